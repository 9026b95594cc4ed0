import type { MatrixResult } from '../verdict/matrix.ts'
import { replayCommand } from './commands.ts'
import { counted, formatDuration } from './format.ts'
import type { Style } from './style.ts'
import { agreementText, cellColumns, expectedText, foundText } from './verdict-markdown.ts'
import { defectLines } from './verdict-terminal.ts'

const HEAD = ['acks', 'min.insync', 'unclean', 'crash', 'ELR', 'found', 'expected']

/** The matrix as a table, cells that disagree marked, with what to type next. */
export function matrixLines(result: MatrixResult, workers: number, style: Style): string[] {
  const { cells, elapsedMs, interrupted } = result
  const rows = [HEAD, ...cells.map(cell => [...cellColumns(cell.cell), foundText(cell), expectedText(cell)])]
  const widths = HEAD.map((_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)))
  const lines = rows.map((row, index) => {
    const line = row
      .map((text, column) => (column === row.length - 1 ? text : text.padEnd(widths[column] ?? 0)))
      .join('  ')
    if (index === 0) return `  ${style.dim(line)}`
    const agrees = cells[index - 1]?.agrees === true
    return agrees ? `  ${line}` : style.bad(`≠ ${line}`)
  })
  const disagree = cells.filter(({ agrees }) => !agrees)
  const [first] = [...disagree, ...cells].flatMap(
    ({ broken, campaign }) => broken?.file ?? campaign.others[0]?.file ?? [],
  )
  return [
    ...cells.flatMap(({ campaign }) => defectLines(campaign, style)),
    'Can an acknowledged record be lost? Three replicas; what was found, and what is expected and why.',
    '',
    ...lines,
    '',
    `${formatDuration(elapsedMs)} with ${counted(workers, 'worker')}${interrupted ? '; not all cells were judged' : ''}`,
    (disagree.length === 0 ? style.good : style.bad)(agreementText(cells.length, disagree.length)),
    ...(first === undefined ? [] : [`${style.dim('next:')} ${replayCommand(first)}`]),
  ]
}
