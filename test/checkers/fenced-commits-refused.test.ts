import { describe, expect, it } from 'vitest'
import { fencedCommitsRefused } from '../../harness/checkers/fenced-commits-refused.ts'
import { GroupScript } from './group-support.ts'

function zombie(): GroupScript {
  return new GroupScript().started(0).started(1).assigned(0, 1, 0).processed(0, 0).assigned(1, 2, 0)
}

describe('fenced-commits-refused', () => {
  it('tells of a commit of an older generation that succeeded', () => {
    expect(fencedCommitsRefused(zombie().commit(0, 1).evidence(1))).toEqual([
      {
        guarantee: 'fenced-commits-refused',
        kind: 'stale-commit-accepted',
        message:
          'At 7 ms member 0 of group-0, of generation 1, asked to commit offset 1 of partition 0 and succeeded, although generation 2 had begun by 6 ms.',
      },
    ])
  })

  it('allows a member that keeps a partition in a cooperative rebalance to be further than it knows', () => {
    const kept = (assignor: 'roundrobin' | 'cooperative-sticky') => {
      const script = new GroupScript({ client: 'platformatic', assignor }).started(0).started(1).assigned(0, 1, 0)
      return script.processed(0, 0).assigned(1, 2, 1).commit(0, 1).assigned(0, 2, 0)
    }

    expect(fencedCommitsRefused(kept('cooperative-sticky').evidence(1))).toEqual([])
    expect(fencedCommitsRefused(kept('roundrobin').evidence(1))).toHaveLength(1)
  })

  it('allows one that was refused, one that was asked for before, and one of a generation nobody knows', () => {
    expect(fencedCommitsRefused(zombie().commit(0, 1, 'refused').evidence(-1))).toEqual([])
    expect(fencedCommitsRefused(zombie().commit(0, 1, 'ok', { invokedMs: 5 }).evidence(1))).toEqual([])
    expect(fencedCommitsRefused(zombie().commit(0, 1, 'ok', { generation: undefined }).evidence(1))).toEqual([])
  })

  describe('with the consumer protocol, where each member has an epoch of its own,', () => {
    const script = () =>
      new GroupScript({ client: 'java-semantics', protocol: 'consumer' }).started(0).started(1).assigned(0, 1, 0)

    it('tells of a commit of a partition that another member owned, and goes on owning', () => {
      const taken = script().assigned(1, 2, 0).commit(0, 1).commit(1, 2)

      expect(fencedCommitsRefused(taken.evidence(2))).toEqual([
        {
          guarantee: 'fenced-commits-refused',
          kind: 'commit-of-another-accepted',
          message:
            'At 5 ms member 0 of group-0 asked to commit offset 1 of partition 0 and succeeded, although member 1 of group-0 had owned that partition since 4 ms.',
        },
      ])
    })

    it('allows one of an older epoch of a partition that is still the member’s', () => {
      expect(fencedCommitsRefused(script().assigned(1, 2, 1).commit(0, 1).commit(1, 1).evidence(1))).toEqual([])
    })

    it('allows one when the other member shows no more that the group has it: nobody’s commits are taken from an empty group', () => {
      expect(fencedCommitsRefused(script().assigned(1, 2, 0).commit(0, 1).evidence(1))).toEqual([])
      expect(fencedCommitsRefused(script().assigned(1, 2, 0).killed(1).commit(0, 1).evidence(1))).toEqual([])
    })
  })
})
