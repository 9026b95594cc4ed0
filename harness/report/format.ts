const SECOND_MS = 1000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const MIB = 1_048_576
const MIN_GROUPED = 10_000

/** `1234`, `12,345`: the same on every machine, whatever its locale. */
export function formatCount(value: number): string {
  const digits = String(Math.round(value))
  return value < MIN_GROUPED ? digits : digits.replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

/** `850 ms`, `12.3 s`, `4 min 5 s`, `2 h 13 min`. */
export function formatDuration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`
  if (ms < MINUTE_MS) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min ${Math.floor((ms % MINUTE_MS) / SECOND_MS)} s`
  return `${formatCount(Math.floor(ms / HOUR_MS))} h ${Math.floor((ms % HOUR_MS) / MINUTE_MS)} min`
}

export function formatMebibytes(bytes: number): string {
  return `${formatCount(Math.ceil(bytes / MIB))} MiB`
}

/** `1 fault`, `2 faults`. */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** `kill 120, disconnect 90`, the most frequent first. */
export function formatCounts(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1))
    .map(([name, count]) => `${name} ${formatCount(count)}`)
    .join(', ')
}

/** Breaks text at spaces so that no line is longer than `width`, if its words allow it. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
