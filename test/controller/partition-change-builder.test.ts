import { describe, expect, test } from 'vitest'
import { buildPartitionChange, type PartitionChangeOptions } from '../../src/controller/partition-change-builder.ts'
import type { PartitionRegistration } from '../../src/controller/partition-registration.ts'

const BASE: PartitionRegistration = {
  replicas: [1, 2, 3],
  directories: [],
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
  options: Partial<PartitionChangeOptions> = {},
) {
  const full = { ...BASE, ...partition }
  const record = buildPartitionChange({
    partition: full,
    topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
    partitionId: 0,
    targetIsr: full.isr,
    isAcceptableLeader: broker => alive.includes(broker),
    minIsr: 2,
    uncleanElection: false,
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
    const options = { targetIsr: [], eligibleLeaderReplicas: false, uncleanElection: true }
    expect(build({ isr: [1] }, [3], options)).toEqual({ ...UNCHANGED, isr: [3], leader: 3, leaderRecoveryState: 1 })
  })
})
