import { describe, expect, it } from 'vitest'
import { onlyOwnedRecords } from '../../harness/checkers/only-owned-records.ts'
import { GroupScript } from './group-support.ts'

describe('only-owned-records', () => {
  it('tells of a record of a partition that a rebalance has taken away', () => {
    const script = new GroupScript().started(0).assigned(0, 1, 0, 1).processed(0, 0).assigned(0, 2, 1).delivered(0, 1)

    expect(onlyOwnedRecords(script.evidence(1))).toEqual([
      {
        guarantee: 'only-owned-records',
        kind: 'record-of-another',
        message:
          'member 0 of group-0 was given record p0-s0-r1 (offset 1 of partition 0) at 6 ms, when it owned partitions 1.',
      },
    ])
  })

  it('allows what a member owns still or again', () => {
    const script = new GroupScript().started(0).assigned(0, 1, 0, 1).processed(0, 0).assigned(0, 2, 0).delivered(0, 1)

    expect(onlyOwnedRecords(script.evidence(1))).toEqual([])
  })
})
