import { describe, expect, test } from 'vitest'
import { BOOTSTRAP_FEATURES } from '../../src/controller/feature-control-manager.ts'
import { ElectionType } from '../../src/protocol/apis/elect-leaders.ts'
import { UpgradeType } from '../../src/protocol/apis/update-features.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { type ControllerFixture, directoryId, type FixtureOptions, startController } from './controller-fixture.ts'

const WITHOUT_ELR = new Map([...BOOTSTRAP_FEATURES].filter(([name]) => name === 'metadata.version'))

/** Brokers 1 to 4 and a topic with replicas on 1, 2, 3. */
async function started(options: FixtureOptions = {}): Promise<ControllerFixture> {
  const fixture = await startController(options)
  await fixture.join(1, 2, 3, 4)
  await fixture.createTopic('orders', { assignments: [{ partitionIndex: 0, brokerIds: [1, 2, 3] }] })
  return fixture
}

async function run<T>(fixture: ControllerFixture, body: () => Promise<T>): Promise<T> {
  const result = await fixture.runtime.run(body)
  await fixture.runtime.settle()
  return result
}

async function setIsr(fixture: ControllerFixture, ...isr: number[]): Promise<void> {
  const { leader, leaderEpoch, partitionEpoch } = fixture.partition('orders')
  const response = await run(fixture, () =>
    fixture.apis.alterPartition({
      brokerId: leader,
      brokerEpoch: fixture.brokerEpoch(leader),
      topics: [
        {
          topicId: fixture.image().topics.getTopic('orders')?.id ?? '',
          partitions: [
            {
              partitionIndex: 0,
              leaderEpoch,
              partitionEpoch,
              newIsr: isr,
              newIsrWithEpochs: [],
              leaderRecoveryState: 0,
            },
          ],
        },
      ],
    }),
  )
  const code = response.topics[0]?.partitions[0]?.errorCode
  if (code !== ErrorCode.NONE && code !== ErrorCode.NEW_LEADER_ELECTED) throw new Error(`refused with ${code}`)
}

async function elect(fixture: ControllerFixture, electionType: number, partitions: number[] | null = [0]) {
  const topicPartitions = partitions === null ? null : [{ topic: 'orders', partitions }]
  const response = await run(fixture, () =>
    fixture.apis.electLeaders({ electionType, topicPartitions, timeoutMs: 1000 }),
  )
  return response.replicaElectionResults.flatMap(({ partitionResult }) =>
    partitionResult.map(result => result.errorCode),
  )
}

async function reassign(fixture: ControllerFixture, replicas: number[] | null, allowReplicationFactorChange = true) {
  const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, replicas }] }]
  const response = await run(fixture, () =>
    fixture.apis.alterPartitionReassignments({ timeoutMs: 1000, allowReplicationFactorChange, topics }),
  )
  return response.responses[0]?.partitions[0]?.errorCode
}

describe('electLeaders', () => {
  test('gives a partition back to its preferred leader', async () => {
    const fixture = await started()
    await fixture.pass(12_000, 2, 3, 4)
    expect(fixture.partition('orders')).toMatchObject({ leader: 2, isr: [2, 3] })
    await fixture.join(1)
    expect(await elect(fixture, ElectionType.PREFERRED)).toEqual([ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE])
    await setIsr(fixture, 2, 3, 1)

    expect(await elect(fixture, ElectionType.PREFERRED)).toEqual([ErrorCode.NONE])

    expect(fixture.partition('orders')).toMatchObject({ leader: 1, leaderEpoch: 2 })
    expect(await elect(fixture, ElectionType.PREFERRED)).toEqual([ErrorCode.ELECTION_NOT_NEEDED])
    expect(await elect(fixture, ElectionType.PREFERRED, null)).toEqual([])
  })

  test('elects anybody when asked to and nobody else is left', async () => {
    const fixture = await started({ features: WITHOUT_ELR })
    await setIsr(fixture, 1)
    expect(await elect(fixture, ElectionType.UNCLEAN)).toEqual([ErrorCode.ELECTION_NOT_NEEDED])
    await fixture.pass(12_000, 2, 3, 4)
    expect(fixture.partition('orders')).toMatchObject({ leader: -1, isr: [1] })

    expect(await elect(fixture, ElectionType.UNCLEAN)).toEqual([ErrorCode.NONE])

    expect(fixture.partition('orders')).toMatchObject({ leader: 2, isr: [2], leaderRecoveryState: 'RECOVERING' })
  })

  test('tells when there is nobody at all', async () => {
    const fixture = await started()
    await fixture.pass(12_000, 4)

    expect(await elect(fixture, ElectionType.UNCLEAN)).toEqual([ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE])
  })

  test('refuses what does not exist', async () => {
    const fixture = await started()

    expect(await elect(fixture, ElectionType.PREFERRED, [7])).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
    await expect(elect(fixture, 2)).rejects.toMatchObject({ code: ErrorCode.INVALID_REQUEST })
  })
})

describe('periodic elections', () => {
  test('give partitions back to their preferred leaders', async () => {
    const fixture = await started()
    await fixture.pass(12_000, 2, 3, 4)
    await fixture.join(1)
    await setIsr(fixture, 2, 3, 1)

    await fixture.pass(300_000, 1, 2, 3, 4)

    expect(fixture.partition('orders').leader).toBe(1)
  })

  test('elect uncleanly once the topic allows it', async () => {
    const fixture = await started({ features: WITHOUT_ELR })
    await setIsr(fixture, 1)
    await fixture.pass(12_000, 2, 3, 4)
    const configs = [{ name: 'unclean.leader.election.enable', configOperation: 0, value: 'true' }]
    const resources = [{ resourceType: 2, resourceName: 'orders', configs }]
    await run(fixture, () => fixture.apis.incrementalAlterConfigs({ resources, validateOnly: false }))
    expect(fixture.partition('orders').leader).toBe(-1)

    await fixture.pass(300_000, 2, 3, 4)

    expect(fixture.partition('orders')).toMatchObject({ leader: 2, isr: [2], leaderRecoveryState: 'RECOVERING' })
  })
})

describe('alterPartitionReassignments', () => {
  test('adds new replicas, is listed, and removes the old ones when the new ones are in sync', async () => {
    const fixture = await started()

    expect(await reassign(fixture, [4, 2])).toBe(ErrorCode.NONE)
    expect(fixture.partition('orders')).toMatchObject({
      replicas: [4, 2, 1, 3],
      addingReplicas: [4],
      removingReplicas: [1, 3],
      isr: [1, 2, 3],
      leader: 1,
      leaderEpoch: 0,
      directories: [directoryId(4), directoryId(2), directoryId(1), directoryId(3)],
    })
    for (const topics of [null, [{ name: 'orders', partitionIndexes: [0, 1] }]]) {
      const list = await run(fixture, () => fixture.apis.listPartitionReassignments({ timeoutMs: 1000, topics }))
      const partitions = [{ partitionIndex: 0, replicas: [4, 2, 1, 3], addingReplicas: [4], removingReplicas: [1, 3] }]
      expect(list.topics).toEqual([{ name: 'orders', partitions }])
    }
    await setIsr(fixture, 1, 2, 3, 4)

    expect(fixture.partition('orders')).toMatchObject({
      replicas: [4, 2],
      addingReplicas: [],
      removingReplicas: [],
      isr: [2, 4],
      leader: 4,
      leaderEpoch: 1,
      directories: [directoryId(4), directoryId(2)],
    })
    const done = await run(fixture, () => fixture.apis.listPartitionReassignments({ timeoutMs: 1000, topics: null }))
    expect(done.topics).toEqual([])
  })

  test('can be given up', async () => {
    const fixture = await started()
    expect(await reassign(fixture, null)).toBe(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
    await reassign(fixture, [4, 2, 3])

    expect(await reassign(fixture, null)).toBe(ErrorCode.NONE)

    expect(fixture.partition('orders')).toMatchObject({
      replicas: [2, 3, 1],
      addingReplicas: [],
      removingReplicas: [],
      isr: [1, 2, 3],
      leader: 1,
      leaderEpoch: 1,
    })
  })

  test('cannot be given up when only new replicas are in sync and elections must be clean', async () => {
    const fixture = await started()
    await fixture.join(5)
    await reassign(fixture, [4, 5])
    await setIsr(fixture, 1, 4)
    await fixture.pass(12_000, 2, 3, 4, 5)
    expect(fixture.partition('orders')).toMatchObject({ isr: [4], leader: 4, addingReplicas: [4, 5] })

    expect(await reassign(fixture, null)).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
  })

  test('refuses replicas that nobody knows, none at all, and one twice', async () => {
    const fixture = await started()

    expect(await reassign(fixture, [9])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    expect(await reassign(fixture, [])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    expect(await reassign(fixture, [2, 2])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
  })

  test('changes the number of replicas only when that is allowed (KIP-860)', async () => {
    const fixture = await started()

    expect(await reassign(fixture, [1, 2], false)).toBe(ErrorCode.INVALID_REPLICATION_FACTOR)
    expect(await reassign(fixture, [1, 2, 4], false)).toBe(ErrorCode.NONE)
    expect(await reassign(fixture, [1, 2], false)).toBe(ErrorCode.INVALID_REPLICATION_FACTOR)
    expect(await reassign(fixture, [1, 2], true)).toBe(ErrorCode.NONE)

    expect(fixture.partition('orders')).toMatchObject({ replicas: [1, 2], isr: [1, 2], leader: 1, leaderEpoch: 1 })
  })
})

describe('controlled shutdown', () => {
  /** Of a broker that leads. */
  const LEAVING = { wantShutDown: true }

  test('moves the leaders, and lets the broker go when the others know', async () => {
    const fixture = await started()
    const before = fixture.raft.logEndOffset - 1

    await fixture.heartbeat(1, LEAVING)
    expect(fixture.partition('orders')).toMatchObject({ leader: 2, isr: [2, 3], leaderEpoch: 1 })
    expect(fixture.image().cluster.broker(1)).toMatchObject({ fenced: false, inControlledShutdown: true })
    await fixture.heartbeat(2)
    await fixture.heartbeat(3)
    await fixture.heartbeat(4, { metadataOffset: before })
    expect(await fixture.heartbeat(1, LEAVING)).toBe('unfenced')
    await fixture.heartbeat(4)

    expect(await fixture.heartbeat(1, LEAVING)).toBe('shut down')
    expect(fixture.image().cluster.broker(1)).toMatchObject({ fenced: true })
  })

  test('only its first heartbeat says what the others must know (KAFKA-14292)', async () => {
    const fixture = await started()
    await fixture.heartbeat(1, LEAVING)
    const known = fixture.raft.logEndOffset - 1
    await fixture.createTopic('later', { assignments: [{ partitionIndex: 0, brokerIds: [2] }] })
    await fixture.heartbeat(2, { metadataOffset: known - 1 })
    expect(await fixture.heartbeat(1, LEAVING)).toBe('unfenced')
    for (const id of [2, 3, 4]) await fixture.heartbeat(id, { metadataOffset: known })

    expect(await fixture.heartbeat(1, LEAVING)).toBe('shut down')
  })

  test('goes on with a new active controller', async () => {
    const fixture = await started()
    await fixture.createTopic('only-there', { assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }] })
    await fixture.heartbeat(1, LEAVING)
    fixture.log.lead(1)
    await fixture.runtime.settle()

    expect(await fixture.heartbeat(1, LEAVING)).toBe('shut down')
    expect(fixture.partition('only-there')).toMatchObject({ leader: 2, isr: [2] })
  })

  test('gives a broker that leads nothing leave at once, and takes it out of the ISRs', async () => {
    const fixture = await started()

    expect(await fixture.heartbeat(3, LEAVING)).toBe('shut down')

    expect(fixture.partition('orders')).toMatchObject({ leader: 1, isr: [1, 2], leaderEpoch: 0 })
  })

  test('puts no new replicas on a broker that is leaving', async () => {
    const fixture = await started()
    await fixture.heartbeat(1, LEAVING)

    expect(await fixture.createTopic('new', { numPartitions: 1, replicationFactor: 4 })).toBe(
      ErrorCode.INVALID_REPLICATION_FACTOR,
    )
  })
})

describe('a broker that comes back', () => {
  async function restarted(previousBrokerEpoch: (epoch: number) => number, features = BOOTSTRAP_FEATURES) {
    const fixture = await started({ config: { 'min.insync.replicas': '2' }, features })
    const epoch = fixture.brokerEpoch(1)
    await fixture.pass(12_000, 1)
    await setIsr(fixture, 1)
    await fixture.pass(12_000)
    await fixture.register(1, { previousBrokerEpoch: previousBrokerEpoch(epoch) })
    return fixture
  }

  test('cleanly stays eligible', async () => {
    const fixture = await restarted(epoch => epoch)

    expect(fixture.partition('orders')).toMatchObject({ isr: [], elr: [1, 3], leader: -1, lastKnownElr: [1] })
    await fixture.heartbeat(1)
    expect(fixture.partition('orders')).toMatchObject({ isr: [1], leader: 1, leaderRecoveryState: 'RECOVERED' })
  })

  test('uncleanly is eligible no longer (KIP-966), so that who has everything leads', async () => {
    const fixture = await restarted(() => -1)

    expect(fixture.partition('orders')).toMatchObject({ isr: [], elr: [3], leader: -1, lastKnownElr: [1] })
    await fixture.heartbeat(1)
    expect(fixture.partition('orders')).toMatchObject({ leader: -1 })
    await fixture.register(3, { previousBrokerEpoch: fixture.brokerEpoch(3) })
    await fixture.heartbeat(3)
    expect(fixture.partition('orders')).toMatchObject({ isr: [3], leader: 3, leaderRecoveryState: 'RECOVERED' })
  })

  test('uncleanly leads as recovering when nobody is eligible any more, for it led last', async () => {
    const fixture = await restarted(() => -1)
    await fixture.register(3, { previousBrokerEpoch: -1 })

    await fixture.heartbeat(1)

    expect(fixture.partition('orders')).toMatchObject({ isr: [1], leader: 1, leaderRecoveryState: 'RECOVERING' })
  })

  test('uncleanly stays in sync without KIP-966, as the last that was', async () => {
    const fixture = await restarted(() => -1, WITHOUT_ELR)

    expect(fixture.partition('orders')).toMatchObject({ isr: [1], elr: [], leader: -1 })
    await fixture.heartbeat(1)
    expect(fixture.partition('orders')).toMatchObject({ isr: [1], leader: 1, leaderRecoveryState: 'RECOVERED' })
  })
})

describe('unregisterBroker', () => {
  test('removes the broker, and it from the ISRs', async () => {
    const fixture = await started()

    const response = await run(fixture, () => fixture.apis.unregisterBroker({ brokerId: 1 }))

    expect(response.errorCode).toBe(ErrorCode.NONE)
    expect(fixture.image().cluster.broker(1)).toBeUndefined()
    expect(fixture.partition('orders')).toMatchObject({ replicas: [1, 2, 3], isr: [2, 3], leader: 2 })
    const heartbeat = fixture.heartbeat(1)
    await expect(heartbeat).rejects.toMatchObject({ code: ErrorCode.STALE_BROKER_EPOCH })
  })

  test('of a broker that nobody knows says so', async () => {
    const fixture = await started()

    expect(await run(fixture, () => fixture.apis.unregisterBroker({ brokerId: 9 }))).toMatchObject({
      errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED,
    })
  })
})

describe('min.insync.replicas', () => {
  test('takes eligibility away from all when it changes (KIP-966)', async () => {
    const fixture = await started({ config: { 'min.insync.replicas': '3' } })
    await setIsr(fixture, 1)
    expect(fixture.partition('orders').elr).toEqual([2, 3])
    const configs = [{ name: 'min.insync.replicas', configOperation: 0, value: '2' }]
    const resources = [{ resourceType: 2, resourceName: 'orders', configs }]

    await run(fixture, () => fixture.apis.incrementalAlterConfigs({ resources, validateOnly: false }))

    expect(fixture.partition('orders')).toMatchObject({
      elr: [],
      isr: [1],
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 2,
    })
  })
})

describe('updateFeatures', () => {
  const update = (fixture: ControllerFixture, feature: string, maxVersionLevel: number, upgradeType: number = 1) =>
    run(fixture, () =>
      fixture.apis.updateFeatures({
        timeoutMs: 1000,
        featureUpdates: [{ feature, maxVersionLevel, allowDowngrade: false, upgradeType }],
        validateOnly: false,
      }),
    )
  const ELR = 'eligible.leader.replicas.version'

  test('turns eligible leader replicas on, with one min.insync.replicas for all brokers', async () => {
    const fixture = await started({ features: WITHOUT_ELR, config: { 'min.insync.replicas': '2' } })

    expect(await update(fixture, ELR, 1)).toMatchObject({ errorCode: ErrorCode.NONE })

    expect(fixture.image().features.level(ELR)).toBe(1)
    expect(fixture.image().configs.brokerConfigs(null).get('min.insync.replicas')).toBe('2')
  })

  test('goes back only when that is what was asked', async () => {
    const fixture = await started()

    expect((await update(fixture, ELR, 0)).errorCode).toBe(ErrorCode.INVALID_UPDATE_VERSION)
    expect((await update(fixture, ELR, 0, UpgradeType.SAFE_DOWNGRADE)).errorCode).toBe(ErrorCode.NONE)

    expect(fixture.image().features.level(ELR)).toBe(0)
  })

  test.each([
    ['an unknown feature', 'no.such.version', 1, 1],
    ['a level that nobody knows', ELR, 2, 1],
    ['a negative level', ELR, -1, 1],
    ['a metadata version that is not written', 'metadata.version', 28, UpgradeType.SAFE_DOWNGRADE],
    ['an unknown kind of change', ELR, 0, 4],
  ])('refuses %s', async (_, feature, level, upgradeType) => {
    const fixture = await started()

    expect((await update(fixture, feature, level, upgradeType)).errorCode).toBe(ErrorCode.INVALID_UPDATE_VERSION)
  })
})

describe('log directories', () => {
  const OTHER = 'SecondDirectoryOf001AA'

  async function withTwoDirectories(): Promise<ControllerFixture> {
    const fixture = await startController()
    await fixture.register(1, { logDirs: [directoryId(1), OTHER] })
    await fixture.heartbeat(1)
    await fixture.join(2, 3)
    await fixture.createTopic('orders', { assignments: [{ partitionIndex: 0, brokerIds: [1, 2, 3] }] })
    return fixture
  }

  async function assign(fixture: ControllerFixture, broker: number, directory: string, partitionIndex = 0) {
    const topicId = fixture.image().topics.getTopic('orders')?.id ?? ''
    const topics = [{ topicId, partitions: [{ partitionIndex }] }]
    const response = await run(fixture, () =>
      fixture.apis.assignReplicasToDirs({
        brokerId: broker,
        brokerEpoch: fixture.brokerEpoch(broker),
        directories: [{ id: directory, topics }],
      }),
    )
    return response.directories[0]?.topics[0]?.partitions[0]?.errorCode
  }

  test('are told by the broker, and what fails with one of them moves', async () => {
    const fixture = await withTwoDirectories()
    expect(fixture.partition('orders').directories[0]).toBe('AAAAAAAAAAAAAAAAAAAAAA')

    expect(await assign(fixture, 1, OTHER)).toBe(ErrorCode.NONE)
    expect(fixture.partition('orders')).toMatchObject({
      leader: 1,
      directories: [OTHER, directoryId(2), directoryId(3)],
    })
    await fixture.heartbeat(1, { offlineLogDirs: [OTHER] })

    expect(fixture.partition('orders')).toMatchObject({ leader: 2, isr: [2, 3] })
    expect(fixture.image().cluster.broker(1)).toMatchObject({ fenced: false, directories: [directoryId(1)] })
    await setIsr(fixture, 2, 3, 1)
    expect(await elect(fixture, ElectionType.PREFERRED)).toEqual([ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE])
    await assign(fixture, 1, directoryId(1))
    expect(await elect(fixture, ElectionType.PREFERRED)).toEqual([ErrorCode.NONE])
  })

  test('a replica in a directory that is gone neither leads nor is in sync', async () => {
    const fixture = await withTwoDirectories()

    expect(await assign(fixture, 1, 'AAAAAAAAAAAAAAAAAAAAAQ')).toBe(ErrorCode.NONE)

    expect(fixture.partition('orders')).toMatchObject({ leader: 2, isr: [2, 3] })
  })

  test('of replicas that are not there are refused', async () => {
    const fixture = await withTwoDirectories()
    await fixture.join(4)

    expect(await assign(fixture, 1, OTHER, 5)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await assign(fixture, 4, directoryId(4))).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
  })
})
