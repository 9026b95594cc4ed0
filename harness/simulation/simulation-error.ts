import { storyLines } from '../report/story.ts'
import { createStyle } from '../report/style.ts'
import type { StoryEvent } from '../trial/result.ts'

/** Lines of the story that a message shows. */
const MAX_LINES = 80

/** A simulation failed: by the body's own error, which is the `cause`, or because it could not go on. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError'
  /** The same options, code and client versions give the same. */
  readonly digest: string
  readonly #story: readonly StoryEvent[]

  constructor(seed: string, digest: string, story: readonly StoryEvent[], cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const told = storyLines(story, createStyle(false), MAX_LINES).join('\n')
    super(`${why}\n\nWhat happened (seed ${seed}, digest ${digest}):\n${told}`, { cause })
    this.digest = digest
    this.#story = story
  }

  /** Everything that happened. */
  get story(): readonly StoryEvent[] {
    return this.#story
  }
}
