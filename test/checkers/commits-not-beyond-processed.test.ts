import { describe, expect, it } from 'vitest'
import { commitsNotBeyondProcessed } from '../../harness/checkers/commits-not-beyond-processed.ts'
import { GroupScript } from './group-support.ts'

function beyond(): GroupScript {
  return new GroupScript().started(0).assigned(0, 1, 0).processed(0, 0).commit(0, 1).delivered(0, 1).commit(0, 2)
}

describe('commits-not-beyond-processed', () => {
  it('tells of the first commit that leaves a record behind which was not processed by then', () => {
    const script = beyond().processed(0, 2).commit(0, 3)

    expect(commitsNotBeyondProcessed(script.evidence(3))).toEqual([
      {
        guarantee: 'commits-not-beyond-processed',
        kind: 'commit-beyond-processed',
        message:
          'At 9 ms member 0 of group-0 committed offset 2 of partition 0, but nobody had processed record p0-s0-r1 at offset 1.',
      },
    ])
  })

  it('counts what another member processed', () => {
    const script = new GroupScript().started(0).started(1).assigned(0, 1, 0).processed(0, 0)
    script.assigned(1, 2, 0).commit(1, 1)

    expect(commitsNotBeyondProcessed(script.evidence(1))).toEqual([])
  })

  it('asks nothing of a group that commits before it processes', () => {
    const script = new GroupScript({ commit: 'before' }).started(0).assigned(0, 1, 0).delivered(0, 0).commit(0, 1)

    expect(commitsNotBeyondProcessed(script.evidence(1))).toEqual([])
  })
})
