import { describe, expect, test } from 'vitest'
import { MetadataSnapshot } from '../../../src/clients/metadata-snapshot.ts'
import type { RecordAccumulatorOptions } from '../../../src/clients/producer/accumulator-types.ts'
import { BufferPool } from '../../../src/clients/producer/buffer-pool.ts'
import { RecordAccumulator } from '../../../src/clients/producer/record-accumulator.ts'
import { createManualRuntime, type ManualRuntime } from '../../support/manual-runtime.ts'

const NODE = { id: 1, host: 'h', port: 1 }

/** Topic `t`; partitions in `leaderless` have no leader. */
function cluster(partitions: number, leaderless: readonly number[] = [], leaderEpoch = 0): MetadataSnapshot {
  return new MetadataSnapshot({
    clusterId: 'c',
    nodes: [NODE],
    partitions: Array.from({ length: partitions }, (_, partition) => ({
      topic: 't',
      partition,
      errorCode: 0,
      leaderId: leaderless.includes(partition) ? undefined : 1,
      leaderEpoch,
      replicaIds: [1],
      inSyncReplicaIds: [1],
      offlineReplicaIds: [],
    })),
  })
}

interface Stage {
  readonly runtime: ManualRuntime
  readonly pool: BufferPool
  readonly accumulator: RecordAccumulator
  append(partition: number, value: string): void
  /** The partitions that one request would carry now. */
  drain(snapshot: MetadataSnapshot, maxSize?: number): number[]
}

function stage(options: Partial<RecordAccumulatorOptions> = {}): Stage {
  const runtime = createManualRuntime()
  const pool = new BufferPool(runtime, 10_000, { onWaited: () => {}, onExhausted: () => {} })
  const accumulator = new RecordAccumulator(runtime, {
    clientId: 'p',
    batchSize: 200,
    compression: 'none',
    lingerMs: 10,
    retryBackoffMs: 100,
    retryBackoffMaxMs: 1000,
    deliveryTimeoutMs: 1000,
    adaptivePartitioning: false,
    partitionAvailabilityTimeoutMs: 0,
    transactionManager: undefined,
    bufferPool: pool,
    onCallbackError: () => {},
    ...options,
  })
  return {
    runtime,
    pool,
    accumulator,
    append(partition, value) {
      const record = { value: Buffer.from(value), timestamp: 0 }
      const request = {
        topic: 't',
        partition,
        record,
        setPartition: () => {},
        onCompletion: () => {},
        cluster: cluster(9),
      }
      const result = accumulator.append(request, 0)
      if ('future' in result) return
      expect(pool.tryAllocate(result.neededBytes)).toBe(true)
      expect(accumulator.append(request, result.neededBytes)).toMatchObject({ newBatchCreated: true })
    },
    drain(snapshot, maxSize = 10_000) {
      const batches = accumulator.drain(snapshot, [NODE], maxSize, runtime.clock.monotonicMs()).get(1) ?? []
      return batches.map(({ topicPartition }) => topicPartition.partition)
    },
  }
}

describe('the accumulator', () => {
  test('is ready when linger.ms is over, and tells how long that takes', () => {
    const { accumulator, append } = stage()
    append(0, 'a')
    expect(accumulator.ready(cluster(1), 4)).toMatchObject({ readyNodes: [], nextReadyCheckDelayMs: 6 })
    expect(accumulator.ready(cluster(1), 10).readyNodes).toEqual([NODE])
  })

  test('is ready at once when a batch is full, a flush waits, or it is closed', () => {
    const full = stage()
    full.append(0, 'x'.repeat(150))
    full.append(0, 'y'.repeat(150))
    expect(full.accumulator.ready(cluster(1), 0).readyNodes).toEqual([NODE])
    const flushed = stage()
    flushed.append(0, 'a')
    flushed.accumulator.beginFlush()
    expect(flushed.accumulator.ready(cluster(1), 0).readyNodes).toEqual([NODE])
    const closed = stage()
    closed.append(0, 'a')
    closed.accumulator.close()
    expect(closed.accumulator.ready(cluster(1), 0).readyNodes).toEqual([NODE])
  })

  test('names topics with a partition that nobody leads', () => {
    const { accumulator, append } = stage()
    append(0, 'a')
    const { readyNodes, unknownLeaderTopics } = accumulator.ready(cluster(1, [0]), 100)
    expect(readyNodes).toEqual([])
    expect([...unknownLeaderTopics]).toEqual(['t'])
  })

  test('keeps a muted partition back', () => {
    const { accumulator, append, drain } = stage()
    append(0, 'a')
    accumulator.mutePartition({ topic: 't', partition: 0 })
    expect(accumulator.ready(cluster(1), 100).readyNodes).toEqual([])
    expect(drain(cluster(1))).toEqual([])
    accumulator.unmutePartition({ topic: 't', partition: 0 })
    expect(accumulator.ready(cluster(1), 100).readyNodes).toEqual([NODE])
    expect(drain(cluster(1))).toEqual([0])
  })

  test('begins each request where the last one stopped, so that no partition starves', () => {
    const { append, drain } = stage()
    for (const partition of [0, 1, 2, 0, 1, 2]) append(partition, 'x'.repeat(120))
    // One batch a request.
    expect(Array.from({ length: 4 }, () => drain(cluster(3), 200)).flat()).toEqual([0, 1, 2, 0])
  })

  test('a request holds no more than max.request.size, but always one batch', () => {
    const { append, drain } = stage()
    for (const partition of [0, 1, 2]) append(partition, 'x'.repeat(120))
    expect(drain(cluster(3), 420)).toEqual([0, 1])
    expect(drain(cluster(3), 1)).toEqual([2])
  })

  test('a repeated batch waits for its backoff, unless the leader has changed', () => {
    const { accumulator, append, runtime } = stage()
    append(0, 'a')
    const nowMs = runtime.clock.monotonicMs()
    const [batch] = accumulator.drain(cluster(1), [NODE], 1000, nowMs).get(1) ?? []
    if (batch === undefined) throw new Error('nothing was drained')
    accumulator.reenqueue(batch, nowMs)
    expect(accumulator.ready(cluster(1), nowMs + 70).readyNodes).toEqual([])
    expect(accumulator.ready(cluster(1), nowMs + 130).readyNodes).toEqual([NODE])
    expect(accumulator.ready(cluster(1, [], 1), nowMs + 1).readyNodes).toEqual([NODE])
  })

  test('lets go of what is older than delivery.timeout.ms', () => {
    const { accumulator, append } = stage()
    append(0, 'a')
    append(1, 'b')
    expect(accumulator.expiredBatches(999)).toEqual([])
    expect(accumulator.nextExpiryMs).toBe(1000)
    expect(accumulator.expiredBatches(1000).map(({ topicPartition }) => topicPartition.partition)).toEqual([0, 1])
    expect(accumulator.hasUndrained).toBe(false)
  })

  test('asks for no memory while the last batch has room', () => {
    const { pool, append } = stage()
    append(0, 'a')
    append(0, 'b')
    expect(pool.availableMemory).toBe(9800)
  })
})
