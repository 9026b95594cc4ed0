import { describe, expect, test } from 'vitest'
import type { MetadataDelta } from '../../src/controller/image/metadata-delta.ts'
import type { MetadataImage } from '../../src/controller/image/metadata-image.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { type ControllerFixture, startController } from './controller-fixture.ts'

/** Another process of the node on the same log. */
async function restart({ log }: ControllerFixture): Promise<ControllerFixture> {
  const fixture = await startController({ log })
  log.lead(1)
  await fixture.runtime.settle()
  return fixture
}

describe('QuorumController', () => {
  test('begins a new cluster with its finalized features', async () => {
    const { controller, image } = await startController()

    expect(controller.isActive).toBe(true)
    expect([...image().features.finalizedVersions]).toEqual([
      ['eligible.leader.replicas.version', 1],
      ['metadata.version', 29],
    ])
  })

  test('registers a broker fenced, and unfences it when it has caught up', async () => {
    const fixture = await startController()

    const epoch = await fixture.register(1)
    expect(fixture.image().cluster.broker(1)).toMatchObject({ epoch, fenced: true, inControlledShutdown: false })
    expect(await fixture.heartbeat(1)).toBe('unfenced')

    expect(fixture.image().cluster.broker(1)?.fenced).toBe(false)
  })

  test('does not unfence a broker that has not read its own registration', async () => {
    const fixture = await startController()
    const epoch = await fixture.register(1)

    const reply = await fixture.runtime.run(() =>
      fixture.apis.brokerHeartbeat({
        brokerId: 1,
        brokerEpoch: epoch,
        currentMetadataOffset: epoch - 1,
        wantFence: false,
        wantShutDown: false,
        offlineLogDirs: [],
      }),
    )

    expect(reply).toEqual({ isCaughtUp: false, isFenced: true, shouldShutDown: false })
  })

  test('answers a creation only after it is committed, and brokers then see it', async () => {
    const seen: string[] = []
    const fixture = await startController({
      publishers: [
        {
          name: 'test',
          onMetadataUpdate: (delta: MetadataDelta, image: MetadataImage) => {
            for (const id of delta.topicsDelta?.createdTopicIds ?? [])
              seen.push(image.topics.getTopicById(id)?.name ?? '')
          },
        },
      ],
    })
    await fixture.join(1)

    expect(await fixture.createTopic('orders', { numPartitions: 3 })).toBe(ErrorCode.NONE)

    expect(seen).toEqual(['orders'])
    expect(fixture.image().topics.getTopic('orders')?.partitions.size).toBe(3)
    expect(fixture.partition('orders', 2)).toMatchObject({
      replicas: [1],
      isr: [1],
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 0,
      leaderRecoveryState: 'RECOVERED',
    })
  })

  test('acknowledges nothing that is not committed', async () => {
    const fixture = await startController()
    await fixture.join(1)
    fixture.log.holdCommits = true
    let outcome: unknown = 'open'
    const request = {
      topics: [{ name: 'lost', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 1000,
      validateOnly: false,
    }

    fixture.apis.createTopics(request).then(
      () => {
        outcome = 'acknowledged'
      },
      error => {
        outcome = error
      },
    )
    await fixture.runtime.settle()
    expect(outcome).toBe('open')
    fixture.log.lead(undefined)
    await fixture.runtime.settle()

    expect(outcome).toMatchObject({ code: ErrorCode.NOT_CONTROLLER })
    expect(fixture.faults).toEqual([])
    expect(fixture.image().topics.getTopic('lost')).toBeUndefined()
  })

  test('after a restart continues where it was: topics, configuration, ids', async () => {
    const first = await startController()
    await first.join(1)
    await first.createTopic('orders', { numPartitions: 2, configs: [{ name: 'retention.ms', value: '1000' }] })
    const epoch = first.image().cluster.brokerEpoch(1)
    const block = await first.runtime.run(() => first.apis.allocateProducerIds({ brokerId: 1, brokerEpoch: epoch }))
    const before = first.image()
    await first.raft.shutdown()

    const second = await restart(first)

    expect(second.image().topics).toEqual(before.topics)
    expect(second.image().configs).toEqual(before.configs)
    expect(second.image().features).toEqual(before.features)
    const next = await second.runtime.run(() => second.apis.allocateProducerIds({ brokerId: 1, brokerEpoch: epoch }))
    expect([block.producerIdStart, next.producerIdStart]).toEqual([0, 1000])
    await second.runtime.advance(9001)
    await second.join(1)
    await second.createTopic('payments')
    const ids = [...second.image().topics.topicsById.keys()]
    expect(new Set(ids).size).toBe(2)
    expect(second.faults).toEqual([])
  })

  test('a broker that comes back too soon has to wait for the session of its predecessor', async () => {
    const fixture = await startController()
    await fixture.join(1)

    await expect(fixture.register(1)).rejects.toMatchObject({ code: ErrorCode.DUPLICATE_BROKER_REGISTRATION })
    await fixture.runtime.advance(9001)
    expect(fixture.image().cluster.broker(1)?.fenced).toBe(true)
    await fixture.join(1)

    expect(fixture.image().cluster.broker(1)?.fenced).toBe(false)
  })

  test('a broker that has left in order leads again once its session has ended', async () => {
    const fixture = await startController()
    await fixture.join(1)
    await fixture.createTopic('orders')
    const epoch = fixture.image().cluster.brokerEpoch(1)

    expect(await fixture.heartbeat(1, { wantShutDown: true })).toBe('unfenced')
    expect(fixture.partition('orders')).toMatchObject({ leader: -1, isr: [], elr: [1], leaderEpoch: 1 })
    expect(await fixture.heartbeat(1, { wantShutDown: true })).toBe('shut down')
    await expect(fixture.register(1, { previousBrokerEpoch: epoch })).rejects.toMatchObject({
      code: ErrorCode.DUPLICATE_BROKER_REGISTRATION,
    })
    await fixture.runtime.advance(9001)
    await fixture.register(1, { previousBrokerEpoch: epoch })
    await fixture.heartbeat(1)

    expect(fixture.partition('orders')).toMatchObject({
      leader: 1,
      isr: [1],
      elr: [],
      leaderEpoch: 2,
      leaderRecoveryState: 'RECOVERED',
    })
  })

  test('a broker that has left in order can come back at once to a new active controller', async () => {
    const fixture = await startController()
    await fixture.join(1)
    const epoch = fixture.image().cluster.brokerEpoch(1)
    expect(await fixture.heartbeat(1, { wantShutDown: true })).toBe('shut down')
    fixture.log.lead(1)
    await fixture.runtime.settle()

    await fixture.register(1, { previousBrokerEpoch: epoch })

    expect(await fixture.heartbeat(1)).toBe('unfenced')
  })

  test('a broker that was killed leads again what nobody else holds, as recovering', async () => {
    const fixture = await startController()
    await fixture.join(1)
    await fixture.createTopic('orders')

    await fixture.runtime.advance(9001)
    await fixture.join(1)

    expect(fixture.partition('orders')).toMatchObject({ leader: 1, isr: [1], leaderRecoveryState: 'RECOVERING' })
  })

  test('when a leader is silent, another in-sync replica leads', async () => {
    const fixture = await startController()
    await fixture.join(1, 2, 3)
    await fixture.createTopic('orders', { assignments: [{ partitionIndex: 0, brokerIds: [1, 2, 3] }] })
    for (let at = 0; at < 5; at++) {
      await fixture.runtime.advance(2000)
      await fixture.heartbeat(2)
      await fixture.heartbeat(3)
    }

    expect(fixture.image().cluster.broker(1)?.fenced).toBe(true)
    expect(fixture.partition('orders')).toMatchObject({ leader: 2, isr: [2, 3], leaderEpoch: 1, partitionEpoch: 1 })
  })

  test('an idle controller wakes only for its periodic work once no broker has a session', async () => {
    const fixture = await startController()
    await fixture.runtime.settle()
    const fired = fixture.runtime.firedTimers

    await fixture.runtime.advance(3_600_000)

    expect(fixture.runtime.firedTimers - fired).toBeLessThan(15)
  })

  test('writes a record at the idle interval when asked to', async () => {
    const fixture = await startController({ config: { 'metadata.max.idle.interval.ms': '500' } })
    const before = fixture.raft.logEndOffset

    await fixture.runtime.advance(5000)

    expect(fixture.raft.logEndOffset - before).toBeGreaterThanOrEqual(9)
    expect(fixture.loader.publishedOffset).toBe(fixture.raft.logEndOffset - 1)
  })

  test('a request that comes too late to its turn is answered with REQUEST_TIMED_OUT', async () => {
    const fixture = await startController()
    await fixture.join(1)
    const request = {
      topics: [{ name: 'late', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: -1,
      validateOnly: false,
    }

    await expect(fixture.runtime.run(() => fixture.apis.createTopics(request))).rejects.toMatchObject({
      code: ErrorCode.REQUEST_TIMED_OUT,
    })
  })

  test('losing the leadership drops what was not committed and answers it with NOT_CONTROLLER', async () => {
    const fixture = await startController()
    await fixture.join(1)
    const request = {
      topics: [{ name: 'dropped', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 1000,
      validateOnly: false,
    }
    const { epoch } = fixture.raft.leaderAndEpoch
    fixture.raft.resign(epoch)

    await expect(fixture.runtime.run(() => fixture.apis.createTopics(request))).rejects.toMatchObject({
      code: ErrorCode.NOT_CONTROLLER,
    })
    fixture.log.lead(1)
    await fixture.runtime.settle()

    expect(fixture.controller.isActive).toBe(true)
    expect(fixture.controller.claimEpoch).toBe(epoch + 2)
    expect(fixture.image().topics.getTopic('dropped')).toBeUndefined()
    expect(await fixture.createTopic('kept')).toBe(ErrorCode.NONE)
    expect(fixture.faults).toEqual([])
  })

  test('refuses brokers of another cluster, without directories, or that lack a finalized feature', async () => {
    const fixture = await startController()

    await expect(fixture.register(1, { clusterId: 'another' })).rejects.toMatchObject({
      code: ErrorCode.INCONSISTENT_CLUSTER_ID,
    })
    await expect(fixture.register(1, { logDirs: [] })).rejects.toMatchObject({ code: ErrorCode.INVALID_REGISTRATION })
    await expect(fixture.register(1, { features: [] })).rejects.toMatchObject({ code: ErrorCode.INVALID_REGISTRATION })
    const old = [{ name: 'metadata.version', minSupportedVersion: 1, maxSupportedVersion: 28 }]
    await expect(fixture.register(1, { features: old })).rejects.toMatchObject({ code: ErrorCode.UNSUPPORTED_VERSION })
  })

  test('refuses heartbeats and producer ids for an epoch that is over', async () => {
    const fixture = await startController()
    await fixture.join(1)
    const stale = { brokerId: 1, brokerEpoch: 0 }

    await expect(fixture.runtime.run(() => fixture.apis.allocateProducerIds(stale))).rejects.toMatchObject({
      code: ErrorCode.STALE_BROKER_EPOCH,
    })
  })

  test('closing answers everything that waits', async () => {
    const fixture = await startController()
    await fixture.join(1)

    await fixture.runtime.run(() => fixture.controller.close())

    await expect(fixture.createTopic('orders')).rejects.toMatchObject({ code: ErrorCode.NOT_CONTROLLER })
  })
})
