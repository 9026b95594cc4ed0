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
})
