import { describe, expect, it } from 'vitest'
import { commitsStay } from '../../harness/checkers/commits-stay.ts'
import { GroupScript } from './group-support.ts'
import { kinds } from './support.ts'

function owner(spec: ConstructorParameters<typeof GroupScript>[0] = {}): GroupScript {
  return new GroupScript(spec).started(0).assigned(0, 1, 0)
}

describe('commits-stay', () => {
  it('tells of a commit that was called successful and is gone', () => {
    const script = owner().processed(0, 0).commit(0, 1).processed(0, 1).commit(0, 2)

    expect(commitsStay(script.evidence(1))).toEqual([
      {
        guarantee: 'commits-stay',
        kind: 'commit-lost',
        message:
          'In the end group-0 has offset 1 committed for partition 0, but by what its members were told it is 2.',
      },
    ])
    expect(kinds(commitsStay(script.evidence(-1)))).toEqual(['commit-lost'])
  })

  it('allows a commit whose outcome is open to have been applied or not', () => {
    const script = owner().processed(0, 0).commit(0, 1).processed(0, 1).commit(0, 2, 'indeterminate')

    expect(commitsStay(script.evidence(1))).toEqual([])
    expect(commitsStay(script.evidence(2))).toEqual([])
  })

  it('does not allow a commit that was refused to have been applied', () => {
    const script = owner().processed(0, 0).commit(0, 1).processed(0, 1).commit(0, 2, 'refused')

    expect(kinds(commitsStay(script.evidence(2)))).toEqual(['unknown-commit'])
  })

  it('knows that a client which commits on its own may have committed what it has not told of', () => {
    const script = owner({ commit: 'auto' }).processed(0, 0).commit(0, 1, 'ok', { by: 'client' }).processed(0, 1)

    expect(commitsStay(script.evidence(1))).toEqual([])
    expect(commitsStay(script.evidence(2))).toEqual([])
    expect(kinds(commitsStay(script.evidence(-1)))).toEqual(['commit-lost'])
    expect(kinds(commitsStay(script.evidence(3)))).toEqual(['unknown-commit'])
  })

  it('says nothing when the coordinator could not be asked', () => {
    const script = owner().processed(0, 0).commit(0, 1)

    expect(commitsStay(script.evidence(0, { committed: [undefined, undefined] }))).toEqual([])
  })
})
