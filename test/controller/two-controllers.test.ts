import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { type ControllerFixture, startController } from './controller-fixture.ts'
import { contents } from './image/history.ts'

interface Pair {
  readonly first: ControllerFixture
  readonly second: ControllerFixture
  /** Another one leads the metadata log. */
  lead(nodeId: number): Promise<void>
}

/** Two controllers over one log; the first leads, with brokers 1, 2, 3. */
async function started(): Promise<Pair> {
  const first = await startController()
  const { log, runtime } = first
  const second = await startController({ runtime: runtime.sibling({ name: 'second' }), log, nodeId: 2 })
  await first.join(1, 2, 3)
  return {
    first,
    second,
    async lead(nodeId) {
      log.lead(nodeId)
      await runtime.settle()
    },
  }
}

const ON_ALL = { assignments: [{ partitionIndex: 0, brokerIds: [1, 2, 3] }] }

/** A heartbeat of a broker that registered with another controller. */
async function heartbeat(from: ControllerFixture, to: ControllerFixture, brokerId: number) {
  const reply = await to.runtime.run(() =>
    to.apis.brokerHeartbeat({
      brokerId,
      brokerEpoch: from.brokerEpoch(brokerId),
      currentMetadataOffset: to.loader.publishedOffset,
      wantFence: false,
      wantShutDown: false,
      offlineLogDirs: [],
    }),
  )
  await to.runtime.settle()
  return reply
}

describe('a new active controller', () => {
  test('continues where the old one was, and so does the old one when it comes back', async () => {
    const { first, second, lead } = await started()
    await first.createTopic('orders', ON_ALL)
    expect(contents(second.controller.committedImage)).toBe(contents(first.controller.committedImage))

    await lead(2)
    expect([first.controller.isActive, second.controller.isActive]).toEqual([false, true])
    expect(await second.createTopic('orders')).toBe(ErrorCode.TOPIC_ALREADY_EXISTS)
    expect(await second.createTopic('payments', ON_ALL)).toBe(ErrorCode.NONE)
    await lead(1)
    expect(await first.createTopic('payments')).toBe(ErrorCode.TOPIC_ALREADY_EXISTS)
    expect(await first.createTopic('returns', ON_ALL)).toBe(ErrorCode.NONE)

    expect(contents(second.controller.committedImage)).toBe(contents(first.controller.committedImage))
    expect(new Set(first.image().topics.topicsById.keys()).size).toBe(3)
    expect([...first.faults, ...second.faults]).toEqual([])
  })

  test('drops what the old one had appended and not committed', async () => {
    const { first, second, lead } = await started()
    first.log.holdCommits = true
    const dropped = first.createTopic('dropped').catch((error: unknown) => error)
    await first.runtime.settle()
    first.log.holdCommits = false

    await lead(2)

    expect(await dropped).toMatchObject({ code: ErrorCode.NOT_CONTROLLER })
    expect(await second.createTopic('dropped')).toBe(ErrorCode.NONE)
    expect(contents(second.controller.committedImage)).toBe(contents(first.controller.committedImage))
    expect([...first.faults, ...second.faults]).toEqual([])
  })

  test('gives no producer id twice', async () => {
    const { first, second, lead } = await started()
    const request = { brokerId: 1, brokerEpoch: first.brokerEpoch(1) }
    const before = await first.runtime.run(() => first.apis.allocateProducerIds(request))
    await lead(2)

    const after = await first.runtime.run(() => second.apis.allocateProducerIds(request))

    expect([before.producerIdStart, after.producerIdStart]).toEqual([0, 1000])
  })

  test('begins all sessions anew, then fences who was not heard of', async () => {
    const { first, second, lead } = await started()
    await first.createTopic('orders', ON_ALL)
    await first.pass(8000, 2, 3)
    await lead(2)

    await first.runtime.advance(8000)
    for (const id of [2, 3]) await heartbeat(first, second, id)
    expect(second.image().cluster.broker(1)?.fenced).toBe(false)
    await first.runtime.advance(2000)

    expect(second.image().cluster.broker(1)?.fenced).toBe(true)
    expect(second.partition('orders')).toMatchObject({ leader: 2, isr: [2, 3] })
    expect(await heartbeat(first, second, 2)).toMatchObject({ isFenced: false })
  })

  test('refuses a registration that the old one would have refused', async () => {
    const { second, lead } = await started()
    await lead(2)

    const incarnationId = 'AnotherProcess0000000A'
    await expect(second.register(1, { incarnationId })).rejects.toMatchObject({
      code: ErrorCode.DUPLICATE_BROKER_REGISTRATION,
    })
  })

  test('fences off the leader epochs and partition epochs of before', async () => {
    const { first, second, lead } = await started()
    await first.createTopic('orders', ON_ALL)
    const { leaderEpoch, partitionEpoch } = first.partition('orders')
    await lead(2)
    await first.runtime.advance(7000)
    for (const id of [2, 3]) await heartbeat(first, second, id)
    await first.runtime.advance(3000)

    const response = await first.runtime.run(() =>
      second.apis.alterPartition({
        brokerId: 1,
        brokerEpoch: first.brokerEpoch(1),
        topics: [
          {
            topicId: second.image().topics.getTopic('orders')?.id ?? '',
            partitions: [
              {
                partitionIndex: 0,
                leaderEpoch,
                partitionEpoch,
                newIsr: [1],
                newIsrWithEpochs: [],
                leaderRecoveryState: 0,
              },
            ],
          },
        ],
      }),
    )

    expect(response.topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.FENCED_LEADER_EPOCH)
  })
})
