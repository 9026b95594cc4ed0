import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UniformAssignor } from '../../../../../src/coordinator/group/assignor/uniform-assignor.ts'
import type { CurrentAssignment } from '../../../../../src/coordinator/group/modern/consumer/current-assignment.ts'
import {
  type Reconciliation,
  reconcile,
} from '../../../../../src/coordinator/group/modern/consumer/current-assignment-builder.ts'
import { ApiError } from '../../../../../src/protocol/errors.ts'

type Partitions = Readonly<Record<string, readonly number[]>>

interface Now extends Partial<Pick<CurrentAssignment, 'state' | 'memberEpoch' | 'previousMemberEpoch'>> {
  readonly has?: Partitions
  readonly revoking?: Partitions
}

interface To {
  readonly epoch: number
  readonly target: Partitions
  readonly reads?: readonly string[]
  readonly changed?: boolean
  readonly owned?: Partitions
  /** Partitions of others, as `topic-partition`. */
  readonly taken?: readonly string[]
}

function mapOf(partitions: Partitions): ReadonlyMap<string, ReadonlySet<number>> {
  return new Map(Object.entries(partitions).map(([topic, numbers]) => [topic, new Set(numbers)]))
}

function now({ has = {}, revoking = {}, state = 'STABLE', memberEpoch = 10, previousMemberEpoch = 10 }: Now) {
  const [assignedPartitions, partitionsPendingRevocation] = [mapOf(has), mapOf(revoking)]
  return { state, memberEpoch, previousMemberEpoch, assignedPartitions, partitionsPendingRevocation }
}

function towards({ epoch, target, reads = ['a', 'b'], changed = false, owned, taken = [] }: To): Reconciliation {
  return {
    targetAssignmentEpoch: epoch,
    targetAssignment: mapOf(target),
    subscribedTopicIds: new Set(reads),
    hasSubscriptionChanged: changed,
    ownedPartitions: owned === undefined ? undefined : mapOf(owned),
    currentPartitionEpoch: (topic, partition) => (taken.includes(`${topic}-${partition}`) ? 10 : undefined),
  }
}

describe('a stable member', () => {
  it('goes to the next epoch with what it has when its target is the same', () => {
    const before = now({ has: { a: [1, 2], b: [3] } })

    expect(reconcile(before, towards({ epoch: 11, target: { a: [1, 2], b: [3] } }))).toEqual(
      now({ memberEpoch: 11, has: { a: [1, 2], b: [3] } }),
    )
    expect(reconcile(before, towards({ epoch: 10, target: { a: [7] } }))).toBe(before)
  })

  it('gets at once what is free', () => {
    expect(reconcile(now({ has: { a: [1] } }), towards({ epoch: 11, target: { a: [1, 4], b: [2] } }))).toEqual(
      now({ memberEpoch: 11, has: { a: [1, 4], b: [2] } }),
    )
  })

  it('first gives up what it is not to have, in its epoch', () => {
    const before = now({ has: { a: [1, 2, 3], b: [4, 5] } })

    expect(reconcile(before, towards({ epoch: 11, target: { a: [3, 9] } }))).toEqual(
      now({ state: 'UNREVOKED_PARTITIONS', has: { a: [3] }, revoking: { a: [1, 2], b: [4, 5] } }),
    )
  })

  it('need not give up what it says that it has not', () => {
    const before = now({ has: { a: [1, 2] } })

    expect(reconcile(before, towards({ epoch: 11, target: { a: [2, 3] }, owned: { a: [2] } }))).toEqual(
      now({ memberEpoch: 11, has: { a: [2, 3] } }),
    )
  })

  it('goes to the next epoch and waits there for what others have', () => {
    const before = now({ has: { a: [1] } })

    expect(reconcile(before, towards({ epoch: 11, target: { a: [1, 2, 3] }, taken: ['a-2'] }))).toEqual(
      now({ state: 'UNRELEASED_PARTITIONS', memberEpoch: 11, has: { a: [1, 3] } }),
    )
  })

  it('gives up topics that it does not read any more, whatever its target says', () => {
    const before = now({ has: { a: [1], b: [2] } })
    const target = { a: [1], b: [2] }

    const revoking = now({ state: 'UNREVOKED_PARTITIONS', has: { a: [1] }, revoking: { b: [2] } })
    expect(reconcile(before, towards({ epoch: 10, target, reads: ['a'], changed: true }))).toEqual(revoking)
    expect(reconcile(before, towards({ epoch: 11, target, reads: ['a'] }))).toEqual(revoking)
    const owned = { a: [1] }
    expect(reconcile(before, towards({ epoch: 10, target, reads: ['a'], changed: true, owned }))).toEqual(
      now({ has: { a: [1] } }),
    )
    expect(reconcile(before, towards({ epoch: 10, target, reads: ['a', 'b'], changed: true }))).toBe(before)
    expect(reconcile(before, towards({ epoch: 10, target, reads: [], changed: true }))).toMatchObject({
      assignedPartitions: new Map(),
      partitionsPendingRevocation: mapOf(target),
    })
  })
})

describe('a member that gives up partitions', () => {
  const before = now({ state: 'UNREVOKED_PARTITIONS', has: { a: [3] }, revoking: { a: [1, 2] } })

  it('stays as it is until it says that it has none of them', () => {
    const target = { a: [3] }
    expect(reconcile(before, towards({ epoch: 12, target }))).toBe(before)
    expect(reconcile(before, towards({ epoch: 12, target, owned: { a: [2, 3] } }))).toBe(before)
    expect(reconcile(before, towards({ epoch: 12, target, owned: { a: [3] } }))).toEqual(
      now({ memberEpoch: 12, has: { a: [3] } }),
    )
  })

  it('may have to give up more then', () => {
    expect(reconcile(before, towards({ epoch: 12, target: { b: [1] }, owned: { a: [3] } }))).toEqual(
      now({ state: 'UNREVOKED_PARTITIONS', has: {}, revoking: { a: [3] } }),
    )
  })

  it('may get back what it has just given up, which nobody else can have', () => {
    const taken = ['a-1', 'a-2', 'a-3']
    expect(reconcile(before, towards({ epoch: 12, target: { a: [1, 3] }, owned: { a: [3] }, taken }))).toEqual(
      now({ memberEpoch: 12, has: { a: [1, 3] } }),
    )
  })

  it('gives up topics that it does not read any more as well', () => {
    const to = towards({ epoch: 12, target: { a: [3] }, reads: [], changed: true, owned: { a: [1, 2, 3] } })
    expect(reconcile(before, to)).toEqual(now({ state: 'UNREVOKED_PARTITIONS', has: {}, revoking: { a: [1, 2, 3] } }))
  })
})

describe('a member that waits for partitions of others', () => {
  const before = now({ state: 'UNRELEASED_PARTITIONS', memberEpoch: 11, has: { a: [1] } })

  it('gets them when they are free', () => {
    const target = { a: [1, 2, 3] }
    expect(reconcile(before, towards({ epoch: 11, target, taken: ['a-2', 'a-3'] }))).toEqual(
      now({ state: 'UNRELEASED_PARTITIONS', memberEpoch: 11, previousMemberEpoch: 11, has: { a: [1] } }),
    )
    expect(reconcile(before, towards({ epoch: 11, target, taken: ['a-3'] }))).toMatchObject({
      state: 'UNRELEASED_PARTITIONS',
      assignedPartitions: mapOf({ a: [1, 2] }),
    })
    expect(reconcile(before, towards({ epoch: 11, target }))).toMatchObject({
      state: 'STABLE',
      assignedPartitions: mapOf(target),
    })
  })

  it('may have to give up something before', () => {
    expect(reconcile(before, towards({ epoch: 12, target: { a: [2] } }))).toEqual(
      now({ state: 'UNREVOKED_PARTITIONS', memberEpoch: 11, previousMemberEpoch: 11, revoking: { a: [1] } }),
    )
  })
})

describe('a member in a state that a later version has written', () => {
  const before = now({ state: 'UNKNOWN', has: { a: [1] } })

  it('is fenced until it has nothing, and then led to its target', () => {
    expect(() => reconcile(before, towards({ epoch: 11, target: {} }))).toThrow(ApiError)
    expect(() => reconcile(before, towards({ epoch: 11, target: {}, owned: { a: [1] } }))).toThrow(ApiError)
    expect(reconcile(before, towards({ epoch: 11, target: { a: [2] }, owned: {} }))).toEqual(
      now({ memberEpoch: 11, has: { a: [2] } }),
    )
  })
})

const PARTITIONS = 8

/** A member, and the client behind it, which does what it is told when it gets to it. */
interface Client {
  current: CurrentAssignment
  told: ReadonlySet<number>
  owned: ReadonlySet<number>
  isIn: boolean
}

function numbersOf(partitions: CurrentAssignment['assignedPartitions']): ReadonlySet<number> {
  return partitions.get('a') ?? new Set()
}

describe('members that are led to ever new targets', () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('heartbeat' as const), member: fc.nat(3), tells: fc.boolean() }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('obey' as const), member: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('come or go' as const), member: fc.nat(3) }) },
  )

  it('never have a partition at the same time, and in the end have what they are to have', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), steps => {
        const clients: Client[] = Array.from({ length: 4 }, () => ({
          current: now({ memberEpoch: 0, previousMemberEpoch: 0 }),
          told: new Set<number>(),
          owned: new Set<number>(),
          isIn: true,
        }))
        let targets = new Map<Client, ReadonlyMap<string, ReadonlySet<number>>>()
        let epoch = 0
        const retarget = () => {
          const subscribedTopicIds = new Set(['a'])
          const members = new Map(
            [...clients.entries()]
              .filter(([, { isIn }]) => isIn)
              .map(([index, client]) => [
                `${index}`,
                { instanceId: undefined, subscribedTopicIds, assignedPartitions: targets.get(client) ?? new Map() },
              ]),
          )
          const assignment = new UniformAssignor().assign(
            { members, subscriptionType: 'homogeneous' },
            { numPartitions: () => PARTITIONS },
          )
          targets = new Map(clients.map((client, index) => [client, assignment.get(`${index}`) ?? new Map()]))
          epoch += 1
        }
        const heartbeat = (client: Client, tells: boolean) => {
          const isTaken = (partition: number) =>
            clients.some(
              ({ current, isIn }) =>
                isIn &&
                (numbersOf(current.assignedPartitions).has(partition) ||
                  numbersOf(current.partitionsPendingRevocation).has(partition)),
            )
          client.current = reconcile(client.current, {
            targetAssignmentEpoch: epoch,
            targetAssignment: targets.get(client) ?? new Map(),
            subscribedTopicIds: new Set(['a']),
            hasSubscriptionChanged: false,
            ownedPartitions: tells ? new Map([['a', client.owned]]) : undefined,
            currentPartitionEpoch: (_, partition) => (isTaken(partition) ? 1 : undefined),
          })
          client.told = numbersOf(client.current.assignedPartitions)
        }
        const expectOneOwnerEach = () => {
          const owned = clients.flatMap(client => [...client.owned])
          expect(new Set(owned).size).toBe(owned.length)
        }
        retarget()

        for (const { member, ...act } of steps) {
          const client = clients[member]
          if (client === undefined) continue
          if (act.do === 'come or go') {
            const isIn = !client.isIn
            Object.assign(client, { isIn, current: now({ memberEpoch: 0 }), told: new Set(), owned: new Set() })
            retarget()
          } else if (client.isIn && act.do === 'heartbeat') heartbeat(client, act.tells)
          else if (client.isIn) client.owned = client.told
          expectOneOwnerEach()
        }
        for (let round = 0; round < 10; round += 1) {
          for (const client of clients.filter(({ isIn }) => isIn)) {
            heartbeat(client, true)
            client.owned = client.told
            expectOneOwnerEach()
          }
        }

        for (const client of clients.filter(({ isIn }) => isIn)) {
          expect(client.current).toMatchObject({ state: 'STABLE', memberEpoch: epoch })
          expect(client.owned).toEqual(numbersOf(targets.get(client) ?? new Map()))
        }
      }),
      { numRuns: 500, seed: 429 },
    )
  })
})
