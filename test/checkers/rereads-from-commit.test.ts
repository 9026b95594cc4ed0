import { describe, expect, it } from 'vitest'
import { rereadsFromCommit } from '../../harness/checkers/rereads-from-commit.ts'
import { GroupScript } from './group-support.ts'
import { kinds } from './support.ts'

function committedTwo(spec: ConstructorParameters<typeof GroupScript>[0] = {}): GroupScript {
  const script = new GroupScript(spec).started(0).assigned(0, 1, 0).processed(0, 0).commit(0, 1)
  return script.processed(0, 1).commit(0, 2)
}

describe('rereads-from-commit', () => {
  it('expects a new owner to begin where the last commit says', () => {
    const fresh = () => committedTwo().started(1).assigned(1, 2, 0)

    expect(rereadsFromCommit(fresh().processed(1, 2).evidence(2))).toEqual([])
    expect(rereadsFromCommit(fresh().processed(1, 1).evidence(2))).toEqual([
      {
        guarantee: 'rereads-from-commit',
        kind: 'begins-before-commit',
        message:
          'At 13 ms member 1 of group-0 began partition 0 with offset 1 (record p0-s0-r1), but offset 2 was committed.',
      },
    ])
  })

  it('expects the beginning of the log while nothing is committed', () => {
    const fresh = () => new GroupScript().started(0).assigned(0, 1, 0)

    expect(rereadsFromCommit(fresh().processed(0, 0).evidence(-1))).toEqual([])
    expect(kinds(rereadsFromCommit(fresh().processed(0, 1).evidence(-1)))).toEqual(['begins-beyond-commit'])
  })

  it('allows either end of a commit whose outcome is open', () => {
    const script = () => committedTwo().processed(0, 2).commit(0, 3, 'indeterminate').started(1).assigned(1, 2, 0)

    expect(rereadsFromCommit(script().processed(1, 2).evidence(3))).toEqual([])
    expect(kinds(rereadsFromCommit(script().processed(1, 1).evidence(3)))).toEqual(['begins-before-commit'])
  })

  it('lets a member that keeps a partition read on in a cooperative rebalance, and in no other', () => {
    const kept = (assignor: 'roundrobin' | 'cooperative-sticky') => {
      const script = new GroupScript({ client: 'platformatic', assignor }).started(0).assigned(0, 1, 0)
      return script.processed(0, 0).assigned(0, 2, 0).processed(0, 1)
    }

    expect(rereadsFromCommit(kept('cooperative-sticky').evidence(-1))).toEqual([])
    expect(kinds(rereadsFromCommit(kept('roundrobin').evidence(-1)))).toEqual(['begins-beyond-commit'])
  })

  it('lets a member of the consumer protocol read on in what it keeps, but not in what it had lost', () => {
    const script = () =>
      new GroupScript({ client: 'java-semantics', protocol: 'consumer' }).started(0).assigned(0, 1, 0).processed(0, 0)

    expect(rereadsFromCommit(script().assigned(0, 2, 0).processed(0, 1).evidence(-1))).toEqual([])
    expect(kinds(rereadsFromCommit(script().revoked(0).assigned(0, 2, 0).processed(0, 1).evidence(-1)))).toEqual([
      'begins-beyond-commit',
    ])
  })
})
