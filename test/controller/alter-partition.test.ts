import { describe, expect, test } from 'vitest'
import type { AlterPartitionRequest } from '../../src/protocol/apis/alter-partition.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { type ControllerFixture, startController } from './controller-fixture.ts'

type Requested = AlterPartitionRequest['topics'][number]['partitions'][number]

/** Three brokers and a topic with a replica on each; 1 leads. */
async function started(config: Record<string, string> = {}): Promise<ControllerFixture> {
  const fixture = await startController({ config })
  await fixture.join(1, 2, 3)
  await fixture.createTopic('orders', { assignments: [{ partitionIndex: 0, brokerIds: [1, 2, 3] }] })
  return fixture
}

interface Asked extends Partial<Requested> {
  readonly from?: number
  readonly brokerEpoch?: number
  readonly topicId?: string
  /** In the epochs that the brokers have. */
  readonly isr?: readonly number[]
}

async function alter(fixture: ControllerFixture, asked: Asked) {
  const { from = 1, brokerEpoch, topicId, isr, ...partition } = asked
  const present = fixture.partition('orders')
  const response = await fixture.runtime.run(() =>
    fixture.apis.alterPartition({
      brokerId: from,
      brokerEpoch: brokerEpoch ?? fixture.brokerEpoch(from),
      topics: [
        {
          topicId: topicId ?? fixture.image().topics.getTopic('orders')?.id ?? '',
          partitions: [
            {
              partitionIndex: 0,
              leaderEpoch: present.leaderEpoch,
              newIsr: [],
              newIsrWithEpochs: (isr ?? []).map(id => ({ brokerId: id, brokerEpoch: fixture.brokerEpoch(id) })),
              leaderRecoveryState: 0,
              partitionEpoch: present.partitionEpoch,
              ...partition,
            },
          ],
        },
      ],
    }),
  )
  await fixture.runtime.settle()
  return { errorCode: response.errorCode, partition: response.topics[0]?.partitions[0] }
}

describe('alterPartition', () => {
  test('gives the partition the ISR that its leader asks for, and answers what is committed', async () => {
    const fixture = await started()

    const { errorCode, partition } = await alter(fixture, { isr: [1, 3] })

    expect(errorCode).toBe(ErrorCode.NONE)
    expect(partition).toEqual({
      partitionIndex: 0,
      errorCode: ErrorCode.NONE,
      leaderId: 1,
      leaderEpoch: 0,
      isr: [1, 3],
      leaderRecoveryState: 0,
      partitionEpoch: 1,
    })
    expect(fixture.partition('orders')).toMatchObject({ isr: [1, 3], leader: 1, leaderEpoch: 0, partitionEpoch: 1 })
  })

  test('takes an ISR without broker epochs, as before version 3', async () => {
    const fixture = await started()

    const { partition } = await alter(fixture, { newIsr: [1, 2] })

    expect(partition).toMatchObject({ errorCode: ErrorCode.NONE, isr: [1, 2] })
  })

  test('the same ISR again changes nothing', async () => {
    const fixture = await started()
    const end = fixture.raft.logEndOffset

    const { partition } = await alter(fixture, { isr: [1, 2, 3] })

    expect(partition).toMatchObject({ errorCode: ErrorCode.NONE, partitionEpoch: 0 })
    expect(fixture.raft.logEndOffset).toBe(end)
  })

  test('refuses the whole request of an incarnation that is not registered', async () => {
    const fixture = await started()

    expect(await alter(fixture, { isr: [1], brokerEpoch: 1 })).toEqual({
      errorCode: ErrorCode.STALE_BROKER_EPOCH,
      partition: undefined,
    })
    expect((await alter(fixture, { isr: [1], from: 9 })).errorCode).toBe(ErrorCode.STALE_BROKER_EPOCH)
  })

  test.each<[string, Asked, number]>([
    ['an unknown topic', { topicId: 'NoTopicHasThisId00000A' }, ErrorCode.UNKNOWN_TOPIC_ID],
    ['an unknown partition', { partitionIndex: 1 }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['a leader epoch that this controller has not heard of', { leaderEpoch: 1 }, ErrorCode.NOT_CONTROLLER],
    ['a partition epoch that this controller has not heard of', { partitionEpoch: 1 }, ErrorCode.NOT_CONTROLLER],
    ['a leader epoch that is over', { leaderEpoch: -1 }, ErrorCode.FENCED_LEADER_EPOCH],
    ['a partition epoch that is over', { partitionEpoch: -1 }, ErrorCode.INVALID_UPDATE_VERSION],
    ['a broker that does not lead', { from: 2, isr: [1, 2] }, ErrorCode.INVALID_REQUEST],
    ['an ISR without the leader', { isr: [2, 3] }, ErrorCode.INVALID_REQUEST],
    ['no ISR at all', { isr: [] }, ErrorCode.INVALID_REQUEST],
    ['somebody who is no replica', { isr: [1, 4] }, ErrorCode.INVALID_REQUEST],
    ['somebody twice', { isr: [1, 2, 2] }, ErrorCode.INVALID_REQUEST],
    ['a leader that begins to recover', { isr: [1], leaderRecoveryState: 1 }, ErrorCode.INVALID_REQUEST],
    ['an unknown recovery state', { isr: [1], leaderRecoveryState: 2 }, ErrorCode.INVALID_REQUEST],
    [
      'another incarnation of a replica',
      {
        newIsrWithEpochs: [
          { brokerId: 1, brokerEpoch: -1 },
          { brokerId: 2, brokerEpoch: 1 },
        ],
      },
      ErrorCode.INELIGIBLE_REPLICA,
    ],
  ])('refuses %s', async (_, asked, expected) => {
    const fixture = await started()
    const end = fixture.raft.logEndOffset

    const { partition } = await alter(fixture, { isr: [1], ...asked })

    expect(partition?.errorCode).toBe(expected)
    expect(fixture.raft.logEndOffset).toBe(end)
  })

  test('refuses a replica that is fenced', async () => {
    const fixture = await started()
    await fixture.pass(12_000, 1, 2)
    expect(fixture.image().cluster.broker(3)?.fenced).toBe(true)

    expect((await alter(fixture, { isr: [1, 2, 3] })).partition?.errorCode).toBe(ErrorCode.INELIGIBLE_REPLICA)
  })

  test('refuses a replica that is shutting down', async () => {
    const fixture = await started()
    await fixture.createTopic('led-by-3', { assignments: [{ partitionIndex: 0, brokerIds: [3, 1] }] })
    await fixture.heartbeat(3, { wantShutDown: true })

    expect(fixture.image().cluster.broker(3)).toMatchObject({ fenced: false, inControlledShutdown: true })
    expect((await alter(fixture, { isr: [1, 2, 3] })).partition?.errorCode).toBe(ErrorCode.INELIGIBLE_REPLICA)
  })

  test('a leader that recovers may have nobody beside it until it says that it has', async () => {
    const fixture = await started({ 'unclean.leader.election.enable': 'true' })
    await alter(fixture, { isr: [1] })
    await fixture.pass(12_000, 2, 3)
    expect(fixture.partition('orders')).toMatchObject({ isr: [2], leader: 2, leaderRecoveryState: 'RECOVERING' })

    const tooEarly = await alter(fixture, { from: 2, isr: [2, 3], leaderRecoveryState: 1 })
    const recovered = await alter(fixture, { from: 2, isr: [2, 3] })

    expect(tooEarly.partition?.errorCode).toBe(ErrorCode.INVALID_REQUEST)
    expect(recovered.partition).toMatchObject({ errorCode: ErrorCode.NONE, isr: [2, 3], leaderRecoveryState: 0 })
    expect(fixture.partition('orders').leaderRecoveryState).toBe('RECOVERED')
  })

  test('tells the old leader when the end of a reassignment has moved the leader', async () => {
    const fixture = await started()
    await fixture.join(4)
    await fixture.runtime.run(() =>
      fixture.apis.alterPartitionReassignments({
        timeoutMs: 1000,
        allowReplicationFactorChange: true,
        topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, replicas: [2, 3, 4] }] }],
      }),
    )
    await fixture.runtime.settle()

    const { partition } = await alter(fixture, { isr: [1, 2, 3, 4] })

    expect(partition?.errorCode).toBe(ErrorCode.NEW_LEADER_ELECTED)
    expect(fixture.partition('orders')).toMatchObject({
      replicas: [2, 3, 4],
      isr: [2, 3, 4],
      leader: 2,
      leaderEpoch: 1,
      addingReplicas: [],
      removingReplicas: [],
    })
  })

  test('answers NOT_CONTROLLER in the response once it no longer leads', async () => {
    const fixture = await started()
    fixture.log.lead(2)
    await fixture.runtime.settle()

    expect((await alter(fixture, { isr: [1] })).errorCode).toBe(ErrorCode.NOT_CONTROLLER)
  })

  test('is not answered before the change is committed', async () => {
    const fixture = await started()
    fixture.log.holdCommits = true
    let answered = false
    const answer = alter(fixture, { isr: [1, 2] }).then(() => {
      answered = true
    })
    await fixture.runtime.advance(1000)
    expect(answered).toBe(false)

    fixture.log.commitAll()
    await fixture.runtime.settle()
    await answer

    expect(answered).toBe(true)
  })
})
