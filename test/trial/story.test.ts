import { describe, expect, it } from 'vitest'
import { Story } from '../../harness/trial/story.ts'
import { World } from '../../harness/world/world.ts'

const MAX_EVENTS = 20_000

describe('Story', () => {
  it('keeps who did what when, and puts it into the trace', async () => {
    const world = new World({ seed: 'story', trace: 'full' })
    const story = new Story(world)

    await world.run(async () => {
      await world.sleep(5)
      story.tell('broker-1', 'is running')
    })

    expect(story.events).toEqual([{ ms: 5, who: 'broker-1', text: 'is running' }])
    expect(world.trace.entries).toContainEqual(
      expect.objectContaining({ kind: 'note', detail: 'broker-1: is running', ms: 5 }),
    )
  })

  it('that gets too long keeps its beginning and says that there is more, while the trace has everything', async () => {
    const world = new World({ seed: 'story' })
    const story = new Story(world)

    await world.run(async () => {
      for (let line = 0; line < MAX_EVENTS + 10; line++) story.tell('fault', `${line}`)
    })

    expect(story.events).toHaveLength(MAX_EVENTS + 1)
    expect(story.events.at(-2)?.text).toBe(`${MAX_EVENTS - 1}`)
    expect(story.events.at(-1)).toMatchObject({ who: 'trial', text: expect.stringContaining('too many lines') })
    expect(world.trace.count).toBeGreaterThanOrEqual(MAX_EVENTS + 10)
  })
})
