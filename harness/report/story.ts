import type { StoryEvent } from '../trial/result.ts'
import { formatCount } from './format.ts'
import type { Style } from './style.ts'

/** Lines of a story that a person may want to read; of a longer one the middle is left out. */
const MAX_LINES = 300

/** What happened, in the order of virtual time, by broker and client. */
export function storyLines(story: readonly StoryEvent[], style: Style, maxLines = MAX_LINES): string[] {
  const events = story.length <= maxLines ? story : [...story.slice(0, maxLines / 2), ...story.slice(-maxLines / 2)]
  const times = events.map(({ ms }) => ms.toFixed(3))
  const timeWidth = Math.max(0, ...times.map(time => time.length))
  const whoWidth = Math.max(0, ...events.map(({ who }) => who.length))
  const lines = events.map(({ who, text }, index) => {
    const time = style.dim(`${(times[index] ?? '').padStart(timeWidth)} ms`)
    const name = who.padEnd(whoWidth)
    return `  ${time}  ${who === 'fault' ? style.fault(`${name}  ${oneLine(text)}`) : `${style.bold(name)}  ${oneLine(text)}`}`
  })
  const left = story.length - events.length
  if (left > 0) lines.splice(maxLines / 2, 0, style.dim(`  … ${formatCount(left)} lines left out; --json has all …`))
  return lines
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ')
}
