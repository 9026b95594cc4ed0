import { describe, expect, it } from 'vitest'
import { atMostOnce } from '../../harness/checkers/at-most-once.ts'
import { GroupScript } from './group-support.ts'

describe('at-most-once', () => {
  it('tells of a record that two members processed, by whom and when', () => {
    const script = new GroupScript().started(0).assigned(0, 1, 0).processed(0, 0)
    script.started(1).assigned(1, 2, 0).processed(1, 0)

    expect(atMostOnce(script.evidence(1))).toEqual([
      {
        guarantee: 'at-most-once',
        kind: 'record-processed-twice',
        message:
          'Record p0-s0-r0 at offset 0 of partition 0 was processed by member 0 of group-0 at 4 ms and again by member 1 of group-0 at 8 ms.',
      },
    ])
  })

  it('does not mind a record that is handed over again without having been processed', () => {
    const script = new GroupScript().started(0).assigned(0, 1, 0).delivered(0, 0).failed(0, 0).processed(0, 0)

    expect(atMostOnce(script.evidence(1))).toEqual([])
  })

  it('takes what stands at the offset of a lost record for another record', () => {
    const script = new GroupScript().started(0).assigned(0, 1, 0).processed(0, 0).processed(0, 0)
    const { groups, ...evidence } = script.evidence(1)
    const events = groups.map(group => ({
      ...group,
      events: group.events.map((event, index) =>
        index > 3 && event.kind === 'processed' ? { ...event, id: 'p0-s9-r0' as const } : event,
      ),
    }))

    expect(atMostOnce({ ...evidence, groups })).toHaveLength(1)
    expect(atMostOnce({ ...evidence, groups: events })).toEqual([])
  })
})
