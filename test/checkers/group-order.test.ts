import { describe, expect, it } from 'vitest'
import { groupOrder } from '../../harness/checkers/group-order.ts'
import { GroupScript } from './group-support.ts'
import { kinds } from './support.ts'

function owner(): GroupScript {
  return new GroupScript().started(0).assigned(0, 1, 0)
}

describe('group-order', () => {
  it('tells of a record that is handed over after one that stands behind it', () => {
    expect(groupOrder(owner().processed(0, 0).processed(0, 1).processed(0, 0).evidence(0))).toEqual([
      {
        guarantee: 'group-order',
        kind: 'delivered-out-of-order',
        message: 'member 0 of group-0 was given offset 0 of partition 0 (record p0-s0-r0) at 7 ms, after offset 1.',
      },
    ])
  })

  it('tells of a record that is left out', () => {
    expect(groupOrder(owner().processed(0, 0).processed(0, 2).evidence(0)).map(({ message }) => message)).toEqual([
      'member 0 of group-0 was given offset 2 of partition 0 (record p0-s1-r0) at 5 ms, after offset 0, without offset 1 in between.',
    ])
  })

  it('allows a record again whose handler failed, and an older one after another assignment', () => {
    const script = owner()
      .delivered(0, 0)
      .failed(0, 0)
      .processed(0, 0)
      .processed(0, 1)
      .assigned(0, 2, 0)
      .processed(0, 0)

    expect(groupOrder(script.evidence(0))).toEqual([])
  })

  it('does not allow a record again that was processed', () => {
    expect(kinds(groupOrder(owner().processed(0, 0).processed(0, 0).evidence(0)))).toEqual(['delivered-out-of-order'])
  })
})
