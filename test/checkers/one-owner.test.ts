import { describe, expect, it } from 'vitest'
import { oneOwner } from '../../harness/checkers/one-owner.ts'
import { GroupScript } from './group-support.ts'

describe('one-owner', () => {
  it('allows a partition another owner in another generation, although the first one still goes on', () => {
    const script = new GroupScript().started(0).started(1).assigned(0, 1, 0, 1).assigned(1, 2, 0, 1).processed(0, 0)

    expect(oneOwner(script.evidence(1))).toEqual([])
  })

  it('tells of a partition that two members of one generation were given', () => {
    const script = new GroupScript().started(0).started(1).assigned(0, 1, 0, 1).assigned(1, 1, 1)

    expect(oneOwner(script.evidence(0))).toEqual([
      {
        guarantee: 'one-owner',
        kind: 'two-owners-in-a-generation',
        message:
          'In generation 1 of group-0 partition 1 was given to member 0 of group-0 at 3 ms and to member 1 of group-0 at 4 ms.',
      },
    ])
  })

  it('takes a static member that comes back under another member id for the same', () => {
    const members = [{ startMs: 0, instanceId: 'instance-0', redeploys: [] }]
    const script = new GroupScript({ client: 'platformatic', members }).started(0).assigned(0, 1, 0)
    const again = { member: 0, run: 2, ms: 9, generation: 1, memberId: 'm0-again', partitions: [0] }
    script
      .killed(0)
      .started(0)
      .history.add({ kind: 'assigned', ...again })

    expect(oneOwner(script.evidence(0))).toEqual([])
  })

  it('tells of a member that was given two assignments in one generation', () => {
    const script = new GroupScript().started(0).assigned(0, 1, 0).assigned(0, 1, 0, 1)

    expect(oneOwner(script.evidence(0)).map(({ message }) => message)).toEqual([
      'In generation 1 member 0 of group-0 was given partitions 0 at 2 ms and partitions 0, 1 at 3 ms.',
    ])
  })

  it('lets a member of the consumer protocol give away and take within its epoch, but no two own one partition in it', () => {
    const script = () => new GroupScript({ client: 'java-semantics', protocol: 'consumer' }).started(0).started(1)

    expect(
      oneOwner(script().assigned(0, 1, 0, 1).assigned(0, 1, 0).assigned(1, 2).assigned(1, 2, 1).evidence(0)),
    ).toEqual([])
    expect(oneOwner(script().assigned(0, 1, 0, 1).assigned(1, 1, 1).evidence(0))).toHaveLength(1)
  })
})
