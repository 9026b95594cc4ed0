import type { World } from '../world/world.ts'
import type { StoryEvent } from './result.ts'

/** More lines than this help nobody; the trace has everything. */
const MAX_EVENTS = 20_000

/**
 * What a trial did, in words, in order. Every line is part of the trace and the digest. Of a story that gets too long the
 * beginning is kept, and a last line says so.
 */
export class Story {
  readonly events: StoryEvent[] = []
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  tell(who: string, text: string): void {
    this.#world.note('note', `${who}: ${text}`)
    const ms = this.#world.nowMs
    if (this.events.length < MAX_EVENTS) this.events.push({ ms, who, text })
    else if (this.events.length === MAX_EVENTS) {
      this.events.push({ ms, who: 'trial', text: 'the story ends here: it has too many lines, the trace has the rest' })
    }
  }
}
