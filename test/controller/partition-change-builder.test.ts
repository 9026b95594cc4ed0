import { describe, expect, test } from 'vitest'
import { buildPartitionChange, type PartitionChangeOptions } from '../../src/controller/partition-change-builder.ts'
import type { PartitionRegistration } from '../../src/controller/partition-registration.ts'

const BASE: PartitionRegistration = {
  replicas: [1, 2, 3],
  directories: ['DirectoryOfReplica001A', 'DirectoryOfReplica002A', 'DirectoryOfReplica003A'],
  isr: [1, 2, 3],
  removingReplicas: [],
  addingReplicas: [],
  elr: [],
  lastKnownElr: [],
  leader: 1,
  leaderRecoveryState: 'RECOVERED',
  leaderEpoch: 5,
  partitionEpoch: 9,
}

function build(
  partition: Partial<PartitionRegistration>,
  alive: number[],
  { targetIsr, ...options }: Partial<PartitionChangeOptions> & { targetIsr?: number[] } = {},
) {
  const full = { ...BASE, ...partition }
  const record = buildPartitionChange({
    partition: full,
    topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
    partitionId: 0,
    target: { isr: targetIsr ?? full.isr },
    isAcceptableLeader: broker => alive.includes(broker),
    minIsr: 2,
    eligibleLeaderReplicas: true,
    ...options,
  })
  if (record === undefined) return undefined
  const { isr, leader, eligibleLeaderReplicas: elr, lastKnownElr, leaderRecoveryState } = record
  return { isr, leader, elr, lastKnownElr, leaderRecoveryState }
}

const UNCHANGED = { isr: null, leader: -2, elr: null, lastKnownElr: null, leaderRecoveryState: -1 }

describe('buildPartitionChange', () => {
  test('changes nothing when nothing has to change', () => {
    expect(build({}, [1, 2, 3])).toBeUndefined()
  })

  test('a smaller ISR alone leaves the leader and its epoch', () => {
    expect(build({}, [1, 2], { targetIsr: [1, 2] })).toEqual({ ...UNCHANGED, isr: [1, 2] })
  })

  test('elects the next in-sync replica in the order of preference', () => {
    expect(build({ replicas: [1, 3, 2] }, [2, 3], { targetIsr: [2, 3] })).toEqual({
      ...UNCHANGED,
      isr: [2, 3],
      leader: 3,
    })
  })

  test('below min.insync.replicas keeps those who leave eligible', () => {
    expect(build({ isr: [1, 2] }, [1], { targetIsr: [1] })).toEqual({ ...UNCHANGED, isr: [1], elr: [2] })
  })

  test('with min.insync.replicas again, nobody else is eligible', () => {
    expect(build({ isr: [1], elr: [2] }, [1, 3], { targetIsr: [1, 3] })).toEqual({ ...UNCHANGED, isr: [1, 3], elr: [] })
  })

  test('the last in-sync replica leaves an empty ISR, stays eligible and is remembered', () => {
    expect(build({ isr: [1] }, [3], { targetIsr: [] })).toEqual({
      ...UNCHANGED,
      isr: [],
      leader: -1,
      elr: [1],
      lastKnownElr: [1],
    })
  })

  test('an eligible replica leads when the ISR is empty', () => {
    expect(build({ isr: [], elr: [1, 2], leader: -1, lastKnownElr: [1] }, [2])).toEqual({
      ...UNCHANGED,
      isr: [2],
      leader: 2,
      elr: [1],
      lastKnownElr: [],
    })
  })

  test('a replica that was shut down uncleanly is neither in sync nor eligible', () => {
    const options = { targetIsr: [], uncleanShutdownReplicas: [1] }
    expect(build({ isr: [1] }, [], options)).toEqual({ ...UNCHANGED, isr: [], leader: -1, lastKnownElr: [1] })
    expect(build({ isr: [], elr: [1, 2], leader: -1 }, [], options)).toEqual({ ...UNCHANGED, elr: [2] })
  })

  test('with nobody in sync or eligible, only the last known leader may lead, as recovering', () => {
    const partition = { isr: [], elr: [], leader: -1, lastKnownElr: [1] }

    expect(build(partition, [2, 3])).toBeUndefined()
    expect(build(partition, [1, 2])).toEqual({
      isr: [1],
      leader: 1,
      elr: null,
      lastKnownElr: [],
      leaderRecoveryState: 1,
    })
  })

  test('without KIP-966 the last member stays in the ISR', () => {
    const options = { targetIsr: [], eligibleLeaderReplicas: false }
    expect(build({ isr: [1] }, [2], options)).toEqual({ ...UNCHANGED, leader: -1 })
  })

  test('an unclean election takes anybody, who is then alone in sync', () => {
    const options = { targetIsr: [], eligibleLeaderReplicas: false, election: 'unclean' as const }
    expect(build({ isr: [1] }, [3], options)).toEqual({ ...UNCHANGED, isr: [3], leader: 3, leaderRecoveryState: 1 })
  })
})

/** The fields that a change sets, with its whole target. */
function change(
  partition: Partial<PartitionRegistration>,
  alive: number[],
  options: Partial<PartitionChangeOptions> = {},
) {
  const record = buildPartitionChange({
    partition: { ...BASE, ...partition },
    topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
    partitionId: 0,
    target: {},
    isAcceptableLeader: broker => alive.includes(broker),
    minIsr: 2,
    eligibleLeaderReplicas: true,
    ...options,
  })
  if (record === undefined) return undefined
  const { topicId: _topic, partitionId: _partition, ...fields } = record
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([name, value]) =>
        value !== null && !(name === 'leader' && value === -2) && !(/State/.test(name) && value === -1),
    ),
  )
}

const [D1, D2, D3] = BASE.directories
const DEFAULT_DIRECTORY = 'AAAAAAAAAAAAAAAAAAAAAA'

describe('a reassignment', () => {
  test('begins by adding the new replicas, before any is removed', () => {
    const target = { replicas: [2, 3, 4, 1], addingReplicas: [4], removingReplicas: [1] }
    expect(change({}, [1, 2, 3, 4], { target })).toEqual({
      replicas: [2, 3, 4, 1],
      directories: [D2, D3, DEFAULT_DIRECTORY, D1],
      addingReplicas: [4],
      removingReplicas: [1],
    })
  })

  test('is not complete while a replica that shall stay is not in sync', () => {
    const partition = { replicas: [2, 3, 4, 1], addingReplicas: [4], removingReplicas: [1], isr: [1, 2, 3] }
    expect(
      change({ ...partition, directories: ['a', 'b', 'c', 'd'] }, [1, 2, 3, 4], { target: { isr: [1, 2] } }),
    ).toEqual({
      isr: [1, 2],
    })
  })

  test('is complete when all that shall stay are in sync: the others go, and with them the leader among them', () => {
    const partition = { replicas: [2, 3, 4, 1], addingReplicas: [4], removingReplicas: [1], isr: [1, 2, 3] }
    const target = { isr: [1, 2, 3, 4] }
    expect(change({ ...partition, directories: ['a', 'b', 'c', 'd'] }, [1, 2, 3, 4], { target })).toEqual({
      replicas: [2, 3, 4],
      directories: ['a', 'b', 'c'],
      isr: [2, 3, 4],
      leader: 2,
      addingReplicas: [],
      removingReplicas: [],
    })
  })

  test('raises the leader epoch when a replica goes and the leader stays', () => {
    const target = { replicas: [1, 2, 3], removingReplicas: [3] }
    expect(change({}, [1, 2, 3], { target })).toEqual({
      replicas: [1, 2],
      directories: [D1, D2],
      isr: [1, 2],
      leader: 1,
    })
  })

  test('of the same replicas in another order is complete at once and leaves the leader', () => {
    expect(change({}, [1, 2, 3], { target: { replicas: [3, 2, 1] } })).toEqual({
      replicas: [3, 2, 1],
      directories: [D3, D2, D1],
    })
  })
})

describe('an election', () => {
  test('of the preferred leader takes it when it is in sync and alive', () => {
    const election = 'preferred' as const
    expect(change({ leader: 2 }, [1, 2, 3], { election })).toEqual({ leader: 1 })
    expect(change({ leader: 2, isr: [2, 3] }, [1, 2, 3], { election })).toBeUndefined()
    expect(change({ leader: 2 }, [2, 3], { election })).toBeUndefined()
    expect(change({ leader: 2, isr: [2, 3] }, [3], { election })).toEqual({ leader: 3 })
  })

  test('of the preferred leader is never unclean', () => {
    const partition = { leader: -1, isr: [3] }
    expect(change(partition, [1], { election: 'preferred', eligibleLeaderReplicas: false })).toBeUndefined()
  })

  test('that may be unclean is clean when it can be', () => {
    expect(change({ isr: [1, 3] }, [2, 3], { election: 'unclean', target: { isr: [3] } })).toEqual({
      isr: [3],
      leader: 3,
      eligibleLeaderReplicas: [1],
    })
  })

  test('that is unclean drops ELR and ISR for the new leader alone, which recovers', () => {
    const partition = { isr: [], elr: [2], leader: -1, lastKnownElr: [1] }
    expect(change(partition, [3], { election: 'unclean' })).toEqual({
      isr: [3],
      leader: 3,
      leaderRecoveryState: 1,
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
    })
  })

  test('does not take a last known leader that is fenced (KAFKA-19522)', () => {
    const partition = { isr: [], elr: [], leader: -1, lastKnownElr: [1] }
    expect(change(partition, [2, 3])).toBeUndefined()
  })

  test('does not take the last known leader while somebody is eligible', () => {
    expect(change({ isr: [], elr: [2], leader: -1, lastKnownElr: [1] }, [1])).toBeUndefined()
  })

  test('that is unclean again leaves the recovery state as it is', () => {
    const partition = { isr: [3], leader: 3, leaderRecoveryState: 'RECOVERING' as const }
    const options = { election: 'unclean' as const, eligibleLeaderReplicas: false, target: { isr: [] } }
    expect(change(partition, [2], options)).toEqual({ isr: [2], leader: 2 })
  })
})

describe('the last known leader', () => {
  test('is remembered when the partition loses its leader although others are eligible', () => {
    expect(change({ isr: [1], elr: [2] }, [3], { target: { isr: [] } })).toEqual({
      isr: [],
      leader: -1,
      eligibleLeaderReplicas: [1, 2],
      lastKnownElr: [1],
    })
  })

  test('is not overwritten by later changes without a leader', () => {
    const partition = { isr: [], elr: [2, 3], leader: -1, lastKnownElr: [1] }
    expect(change(partition, [], { uncleanShutdownReplicas: [2] })).toEqual({ eligibleLeaderReplicas: [3] })
  })
})

test('a smaller ISR bumps no leader epoch (KAFKA-15021), and a recovery state changes by itself', () => {
  expect(change({}, [1, 2, 3], { target: { isr: [1] } })).toEqual({ isr: [1], eligibleLeaderReplicas: [2, 3] })
  const target = { leaderRecoveryState: 'RECOVERED' as const }
  expect(change({ isr: [1], elr: [2], leaderRecoveryState: 'RECOVERING' }, [1], { target })).toEqual({
    leaderRecoveryState: 0,
  })
})

test('one replica is given another directory', () => {
  const target = { directory: { broker: 2, id: 'AnotherDirectory00000A' } }
  expect(change({}, [1, 2, 3], { target })).toEqual({ directories: [D1, 'AnotherDirectory00000A', D3] })
})
