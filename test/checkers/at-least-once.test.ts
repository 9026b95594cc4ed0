import { describe, expect, it } from 'vitest'
import { atLeastOnce } from '../../harness/checkers/at-least-once.ts'
import { GroupScript } from './group-support.ts'

describe('at-least-once', () => {
  it('misses a record whose offset is committed and that nobody processed', () => {
    const script = new GroupScript().started(0).assigned(0, 1, 0).processed(0, 0).delivered(0, 1).commit(0, 2)

    expect(atLeastOnce(script.evidence(2))).toEqual([
      {
        guarantee: 'at-least-once',
        kind: 'record-skipped',
        message:
          'group-0 has committed offset 2 of partition 0, but no member ever processed record p0-s0-r1 at offset 1.',
      },
    ])
  })

  it('expects nothing yet of what is not committed', () => {
    const script = new GroupScript().started(0).assigned(0, 1, 0).processed(0, 0).commit(0, 1)

    expect(atLeastOnce(script.evidence(1))).toEqual([])
  })
})
