import type { World } from '../world/world.ts'
import type { StoryEvent } from './result.ts'

/** More lines than this help nobody; the trace has everything. */
const MAX_EVENTS = 20_000

/** What a trial did, in words, in order. Every line is part of the trace and the digest. */
export class Story {
  readonly events: StoryEvent[] = []
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  tell(who: string, text: string): void {
    this.#world.note('note', `${who}: ${text}`)
    if (this.events.length < MAX_EVENTS) this.events.push({ ms: this.#world.nowMs, who, text })
  }
}
