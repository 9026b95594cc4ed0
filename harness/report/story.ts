import type { StoryEvent } from '../trial/result.ts'
import { formatCount } from './format.ts'
import type { Style } from './style.ts'

/** Lines of a story that a person may want to read; of a longer one the middle is left out. */
const MAX_LINES = 300

/** From so many on, equal lines of one after the other become one. */
const MIN_REPEATED = 3

interface Told extends StoryEvent {
  /** How often the same was told again, and when last. */
  readonly again?: { readonly times: number; readonly lastMs: number }
}

/** What happened, in the order of virtual time, by broker and client. */
export function storyLines(story: readonly StoryEvent[], style: Style, maxLines = MAX_LINES): string[] {
  const told = withoutRepeats(story)
  const events = told.length <= maxLines ? told : [...told.slice(0, maxLines / 2), ...told.slice(-maxLines / 2)]
  const times = events.map(({ ms }) => ms.toFixed(3))
  const timeWidth = Math.max(0, ...times.map(time => time.length))
  const whoWidth = Math.max(0, ...events.map(({ who }) => who.length))
  const lines = events.map(({ who, text, again }, index) => {
    const time = style.dim(`${(times[index] ?? '').padStart(timeWidth)} ms`)
    const name = who.padEnd(whoWidth)
    const more =
      again === undefined
        ? ''
        : style.dim(`  (${formatCount(again.times)} times more, until ${again.lastMs.toFixed(3)} ms)`)
    return `  ${time}  ${who === 'fault' ? style.fault(`${name}  ${oneLine(text)}`) : `${style.bold(name)}  ${oneLine(text)}`}${more}`
  })
  const left = told.length - events.length
  if (left > 0) lines.splice(maxLines / 2, 0, style.dim(`  … ${formatCount(left)} lines left out; --json has all …`))
  return lines
}

/** Takes runs of equal lines together: a client that tries again every second says nothing new. */
function withoutRepeats(story: readonly StoryEvent[]): Told[] {
  const told: Told[] = []
  for (let at = 0; at < story.length; ) {
    const event = story[at] as StoryEvent
    let end = at + 1
    while (story[end]?.who === event.who && story[end]?.text === event.text) end++
    const lastMs = story[end - 1]?.ms ?? event.ms
    if (end - at >= MIN_REPEATED) told.push({ ...event, again: { times: end - at - 1, lastMs } })
    else told.push(...story.slice(at, end))
    at = end
  }
  return told
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ')
}
