import { wrap } from './format.ts'
import type { Style } from './style.ts'

/** A table of two columns: what, and what it is. */
export type Row = readonly [name: string, text: string]

/** Width of a line that fits most terminals and logs. */
export const LINE_WIDTH = 110

export function tableLines(rows: readonly Row[], style: Style): string[] {
  const left = Math.max(...rows.map(([name]) => name.length)) + 2
  return rows.flatMap(([name, text]) =>
    wrap(text, LINE_WIDTH - left).map((line, index) => `${style.dim((index === 0 ? name : '').padEnd(left))}${line}`),
  )
}
