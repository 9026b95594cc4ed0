import { describe, expect, test } from 'vitest'
import { type CleanerConfig, DEFAULT_CLEANER_CONFIG } from '../../../src/log/cleaner/cleaner-config.ts'
import { KafkaScheduler } from '../../../src/log/kafka-scheduler.ts'
import type { LogConfig } from '../../../src/log/log-config.ts'
import { LogDirFailureChannel } from '../../../src/log/log-dir-failure-channel.ts'
import { LogManager } from '../../../src/log/log-manager.ts'
import type { UnifiedLog } from '../../../src/log/unified-log.ts'
import type { TopicPartition } from '../../../src/protocol/topic-partition.ts'
import type { DiskFile } from '../../../src/runtime/disk.ts'
import { createManualRuntime, type ManualRuntime } from '../../support/manual-runtime.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { commit, config, fileBytes, TOPIC_ID, withFile } from '../log-fixture.ts'
import { COMPACTED, compacted, contents, keyed, START_MS, segmentOf } from './cleaner-fixture.ts'

const ORDERS: TopicPartition = { topic: 'orders', partition: 0 }
const CHECKPOINT = 'logs/cleaner-offset-checkpoint'
const BACKOFF_MS = DEFAULT_CLEANER_CONFIG.backoffMs

interface Broker {
  readonly runtime: ManualRuntime
  readonly failureChannel: LogDirFailureChannel
  readonly manager: LogManager
  stop(): Promise<void>
}

interface BrokerOptions {
  readonly runtime?: ManualRuntime
  readonly settings?: LogConfig
  readonly cleaner?: Partial<CleanerConfig>
}

async function startBroker({
  runtime = createManualRuntime(),
  settings,
  cleaner,
}: BrokerOptions = {}): Promise<Broker> {
  const scheduler = new KafkaScheduler(runtime, 10)
  const failureChannel = new LogDirFailureChannel()
  const manager = new LogManager(runtime, {
    logDirs: ['logs'],
    scheduler,
    failureChannel,
    topicConfig: () => settings ?? COMPACTED,
    cleanerConfig: { ...DEFAULT_CLEANER_CONFIG, dedupeBufferSize: 24_000, ...cleaner },
  })
  await manager.startup()
  const stop = async () => {
    await scheduler.shutdown()
    await manager.shutdown()
  }
  return { runtime, failureChannel, manager, stop }
}

/** A disk on which cleaned segments cannot be made before `gate` is resolved. */
class GatedDisk extends MemoryDisk {
  readonly gate = Promise.withResolvers<void>()

  override async open(path: string, options?: { readonly create?: boolean }): Promise<DiskFile> {
    if (path.endsWith('.cleaned')) await this.gate.promise
    return super.open(path, options)
  }
}

/** The broker after its process was killed. */
const again = ({ runtime }: Broker, options: BrokerOptions = {}) =>
  startBroker({ ...options, runtime: runtime.sibling({ name: runtime.name, disk: runtime.disk }) })

/** A log with dirty segments, half of whose records are superseded. */
async function dirtyLog(manager: LogManager, partition: TopicPartition = ORDERS): Promise<UnifiedLog> {
  const log = await manager.getOrCreateLog(partition, TOPIC_ID)
  await segmentOf(log, 'a=1 b=1')
  await segmentOf(log, 'a=2')
  await segmentOf(log, 'b=2')
  return log
}

const checkpointed = async (runtime: ManualRuntime) =>
  String(await fileBytes(runtime, CHECKPOINT))
    .split('\n')
    .slice(2, -1)

describe('the cleaner threads', () => {
  test('clean a dirty log within the backoff, and note how far', async () => {
    const { manager, runtime, stop } = await startBroker()
    const log = await dirtyLog(manager)
    await runtime.advance(BACKOFF_MS)
    expect(await contents(log)).toEqual(['2:a=2', '3:b=2'])
    expect(await checkpointed(runtime)).toEqual(['orders 0 4'])
    expect(manager.cleaner?.recopyRatio).toBeLessThan(1)
    expect(manager.cleaner?.maxBufferUtilization).toBe(0.002)
    await stop()
    expect(runtime.waiting).toEqual([])
  })

  test('are not there while no log is compacted, and cost nothing then', async () => {
    const { manager, runtime, stop } = await startBroker({ settings: config() })
    const log = await manager.getOrCreateLog(ORDERS, TOPIC_ID)
    expect(runtime.waiting).toEqual([])
    await manager.updateTopicConfig('orders', COMPACTED)
    await segmentOf(log, 'a=1', 'a=2')
    await runtime.advance(BACKOFF_MS)
    expect(runtime.waiting).toEqual(['LogCleaner.backoff'])
    expect(await contents(log)).toEqual(['1:a=2'])
    await stop()
  })

  test('sleep between two looks, without a look at the disk', async () => {
    const { manager, runtime, stop } = await startBroker()
    await dirtyLog(manager)
    await runtime.advance(120_000)
    const operations = runtime.disk.operations.length
    await runtime.advance(120_000)
    expect(runtime.disk.operations.slice(operations)).toEqual([])
    expect(manager.cleaner?.manager.timeSinceLastRunMs).toBe(0)
    await stop()
  })

  test('clean the filthiest log first, and only logs dirty enough', async () => {
    const settings = compacted({ 'min.cleanable.dirty.ratio': 0.5 })
    const { manager, runtime, stop } = await startBroker({ settings })
    const half = await dirtyLog(manager)
    await runtime.advance(BACKOFF_MS)
    await segmentOf(half, 'c=1', 'c=2') // as large as what is clean: the share is not above 0.5
    const full = await dirtyLog(manager, { topic: 'orders', partition: 1 })
    await runtime.advance(BACKOFF_MS)
    expect(await contents(full)).toEqual(['2:a=2', '3:b=2'])
    expect(await contents(half)).toEqual(['2:a=2', '3:b=2', '4:c=1', '5:c=2'])
    await segmentOf(half, 'd=1')
    await runtime.advance(BACKOFF_MS)
    expect(await contents(half)).toEqual(['2:a=2', '3:b=2', '5:c=2', '6:d=1'])
    await stop()
  })

  test('leave records alone that are younger than min.compaction.lag.ms', async () => {
    const settings = compacted({ 'min.compaction.lag.ms': 60_000, 'min.cleanable.dirty.ratio': 0.1 })
    const { manager, runtime, stop } = await startBroker({ settings })
    const log = await manager.getOrCreateLog(ORDERS, TOPIC_ID)
    await segmentOf(log, 'a=1', 'a=2')
    await log.appendAsLeader(keyed('a=3', { timestamp: START_MS + 50_000 }), 0)
    await log.roll()
    commit(log)
    await runtime.advance(59_999)
    expect(await contents(log)).toEqual(['0:a=1', '1:a=2', '2:a=3'])
    await runtime.advance(1)
    expect(await contents(log)).toEqual(['1:a=2', '2:a=3'])
    await runtime.advance(60_000)
    expect(await contents(log)).toEqual(['2:a=3'])
    await stop()
  })

  test('clean what has waited for max.compaction.lag.ms, however little it is', async () => {
    const settings = compacted({ 'min.cleanable.dirty.ratio': 1, 'max.compaction.lag.ms': 100_000 })
    const { manager, runtime, stop } = await startBroker({ settings })
    const log = await dirtyLog(manager)
    await runtime.advance(90_000)
    expect(await contents(log)).toHaveLength(4)
    await runtime.advance(BACKOFF_MS)
    expect(await contents(log)).toEqual(['2:a=2', '3:b=2'])
    await stop()
  })

  test('share the work', async () => {
    const { manager, runtime, stop } = await startBroker({ cleaner: { numThreads: 3 } })
    const logs = await Promise.all([0, 1, 2, 3].map(partition => dirtyLog(manager, { topic: 'orders', partition })))
    await runtime.advance(BACKOFF_MS)
    for (const log of logs) expect(await contents(log)).toEqual(['2:a=2', '3:b=2'])
    await stop()
  })
})

describe('retention of compacted logs', () => {
  test('is looked after by the cleaner, where cleanup.policy has delete too', async () => {
    const settings = compacted({ 'cleanup.policy': 'compact,delete', 'retention.ms': 600_000 })
    const { manager, runtime, stop } = await startBroker({ settings })
    const log = await dirtyLog(manager)
    await runtime.advance(BACKOFF_MS)
    expect(await contents(log)).toEqual(['2:a=2', '3:b=2'])
    await runtime.advance(600_000)
    expect([log.logStartOffset, log.logEndOffset]).toEqual([4, 4])
    await stop()
  })

  test('never lets go of what is only compacted, but of what was deleted by request', async () => {
    const { manager, runtime, stop } = await startBroker({ settings: compacted({ 'retention.ms': 1000 }) })
    const log = await dirtyLog(manager)
    await runtime.advance(600_000)
    expect(log.logStartOffset).toBe(0)
    await log.maybeIncrementLogStartOffset(4)
    await segmentOf(log, 'c=1', 'c=2')
    await runtime.advance(2 * BACKOFF_MS)
    expect(await contents(log)).toEqual(['5:c=2'])
    expect(log.segments[0]?.baseOffset).toBe(4)
    expect(await checkpointed(runtime)).toEqual(['orders 0 6'])
    await stop()
  })
})

describe('the checkpoint', () => {
  test('tells a restarted broker what is clean', async () => {
    const first = await startBroker()
    await dirtyLog(first.manager)
    await first.runtime.advance(BACKOFF_MS)
    await first.stop()
    const second = await again(first)
    const log = await second.manager.getOrCreateLog(ORDERS, TOPIC_ID)
    commit(log)
    await segmentOf(log, 'c=1')
    await second.runtime.advance(BACKOFF_MS)
    expect(second.manager.cleaner?.manager.dirtiestLogCleanableRatio).toBeLessThan(0.5)
    expect(await checkpointed(second.runtime)).toEqual(['orders 0 4'])
    await second.stop()
  })

  test('counts as absent when it is malformed, or ahead of the log', async () => {
    for (const text of ['nonsense', '0\n1\norders 0 99\n']) {
      const first = await startBroker()
      await dirtyLog(first.manager)
      await first.stop()
      await withFile(first.runtime, CHECKPOINT, file => file.append(Buffer.from(text)))
      const second = await again(first)
      const log = await second.manager.getOrCreateLog(ORDERS, TOPIC_ID)
      commit(log)
      await second.runtime.advance(BACKOFF_MS)
      expect(await contents(log)).toEqual(['2:a=2', '3:b=2'])
      expect(await checkpointed(second.runtime)).toEqual(['orders 0 4'])
      await second.stop()
    }
  })

  test('goes back with a truncation, so that what is written instead is cleaned', async () => {
    const { manager, runtime, stop } = await startBroker()
    const log = await dirtyLog(manager)
    await segmentOf(log, 'c=1')
    await runtime.advance(BACKOFF_MS)
    expect(await checkpointed(runtime)).toEqual(['orders 0 5'])
    await manager.truncateTo(log, 3)
    // Offset 3 is now in the first segment, which is the last one.
    expect(await checkpointed(runtime)).toEqual(['orders 0 0'])
    await segmentOf(log, 'a=9', 'a')
    await runtime.advance(BACKOFF_MS)
    expect(await contents(log)).toEqual(['4:a'])
    await manager.truncateFullyAndStartAt(log, 2)
    expect(await checkpointed(runtime)).toEqual(['orders 0 2'])
    await stop()
  })

  test('forgets a deleted partition, so that a new one of that name is cleaned from its beginning', async () => {
    const { manager, runtime, stop } = await startBroker()
    await dirtyLog(manager)
    await runtime.advance(BACKOFF_MS)
    await manager.asyncDelete([ORDERS])
    expect(await checkpointed(runtime)).toEqual([])
    const log = await dirtyLog(manager)
    await runtime.advance(BACKOFF_MS)
    expect(await contents(log)).toEqual(['2:a=2', '3:b=2'])
    await stop()
  })

  test('is not believed for a partition whose log is gone', async () => {
    const first = await startBroker()
    await first.stop()
    await withFile(first.runtime, CHECKPOINT, file => file.append(Buffer.from('0\n1\norders 0 4\n')))
    const second = await again(first)
    const log = await dirtyLog(second.manager)
    await second.runtime.advance(BACKOFF_MS)
    expect(await contents(log)).toEqual(['2:a=2', '3:b=2'])
    await second.stop()
  })
})

describe('who wants to change a log that is being cleaned', () => {
  /** A broker whose cleaner is in the middle of a log, until `release`. */
  async function cleaning(): Promise<Broker & { readonly log: UnifiedLog; release(): Promise<void> }> {
    const disk = new GatedDisk()
    const broker = await startBroker({ runtime: createManualRuntime({ disk }) })
    const log = await dirtyLog(broker.manager)
    await broker.runtime.advance(BACKOFF_MS)
    expect(broker.manager.cleaner?.manager.cleaningState('orders-0')).toEqual({ kind: 'in-progress' })
    const release = async () => {
      disk.gate.resolve()
      await broker.runtime.settle()
    }
    return { ...broker, log, release }
  }

  test('truncates when the cleaner has let go; the log is cleaned anew then', async () => {
    const { log, manager, runtime, release, stop } = await cleaning()
    let truncated = false
    const truncation = manager.truncateTo(log, 2).then(() => {
      truncated = true
    })
    await runtime.settle()
    expect([truncated, manager.cleaner?.manager.cleaningState('orders-0')]).toEqual([false, { kind: 'aborted' }])
    await release()
    await truncation
    expect(log.logEndOffset).toBe(2)
    expect(manager.cleaner?.manager.cleaningState('orders-0')).toBeUndefined()
    expect((await runtime.disk.list('logs/orders-0')).filter(name => name.endsWith('.cleaned'))).toEqual([])
    await segmentOf(log, 'a=9')
    await runtime.advance(BACKOFF_MS)
    expect(await contents(log)).toEqual(['1:b=1', '2:a=9'])
    await stop()
  })

  test('truncates at once what the cleaner never touches', async () => {
    const { log, manager, release, stop } = await cleaning()
    await log.appendAsLeader(keyed('m=1'), 0)
    await manager.truncateTo(log, log.logEndOffset - 1)
    expect(manager.cleaner?.manager.cleaningState('orders-0')).toEqual({ kind: 'in-progress' })
    await release()
    expect(await contents(log)).toEqual(['2:a=2', '3:b=2'])
    await stop()
  })

  test('deletes it when the cleaner has let go', async () => {
    const { manager, runtime, release, stop } = await cleaning()
    const deletion = manager.asyncDelete([ORDERS])
    await runtime.settle()
    expect(await runtime.disk.list('logs')).toContain('orders-0')
    await release()
    await deletion
    expect(await runtime.disk.list('logs')).not.toContain('orders-0')
    await runtime.advance(60_000)
    expect((await runtime.disk.list('logs')).filter(name => name.startsWith('orders'))).toEqual([])
    await stop()
  })

  test('makes it compacted no more', async () => {
    const { log, manager, runtime, release, stop } = await cleaning()
    const update = manager.updateTopicConfig('orders', config())
    await release()
    await update
    await runtime.advance(10 * BACKOFF_MS)
    expect(await contents(log)).toEqual(['0:a=1', '1:b=1', '2:a=2', '3:b=2'])
    await stop()
  })

  test('shuts down without waiting for the rest of it', async () => {
    const { log, manager, runtime, release, stop } = await cleaning()
    const stopped = stop()
    await release()
    await stopped
    expect(runtime.waiting).toEqual([])
    expect(manager.allLogs).toEqual([])
    expect(log.numberOfSegments).toBe(4)
  })

  test('can be two at once', async () => {
    const { log, manager, release, stop } = await cleaning()
    const truncations = Promise.all([manager.truncateTo(log, 3), manager.truncateTo(log, 1)])
    await release()
    await truncations
    expect(log.logEndOffset).toBe(1)
    expect(manager.cleaner?.manager.cleaningState('orders-0')).toBeUndefined()
    await stop()
  })

  test('lets retention go on with what is not compacted', async () => {
    const { manager, runtime, stop } = await startBroker({ settings: config({ 'retention.ms': 1000 }) })
    const log = await dirtyLog(manager)
    await runtime.advance(2000)
    const cleanup = manager.cleanupLogs()
    expect(manager.cleaner?.manager.cleaningState('orders-0')).toEqual({ kind: 'paused', count: 1 })
    const truncation = manager.truncateTo(log, 1)
    expect(manager.cleaner?.manager.cleaningState('orders-0')).toEqual({ kind: 'paused', count: 2 })
    await Promise.all([cleanup, truncation])
    expect(manager.cleaner?.manager.cleaningState('orders-0')).toBeUndefined()
    await stop()
  })
})

describe('a log that cannot be cleaned', () => {
  test('is left alone when it holds bytes that are no batch; others are cleaned', async () => {
    const { manager, runtime, failureChannel, stop } = await startBroker()
    const log = await dirtyLog(manager)
    await withFile(runtime, 'logs/orders-0/00000000000000000000.log', async file => {
      const bytes = await file.read(0, file.size)
      bytes.writeInt8(7, 16)
      await file.truncate(0)
      await file.append(bytes)
    })
    const other = await dirtyLog(manager, { topic: 'orders', partition: 1 })
    await runtime.advance(3 * BACKOFF_MS)
    expect(manager.cleaner?.manager.uncleanablePartitions).toEqual([log])
    expect(await contents(other)).toEqual(['2:a=2', '3:b=2'])
    expect(failureChannel.offlineLogDirs.size).toBe(0)
    await manager.asyncDelete([ORDERS])
    expect(manager.cleaner?.manager.uncleanablePartitions).toEqual([])
    await stop()
  })

  test('takes its log directory offline when the disk fails', async () => {
    const { manager, runtime, failureChannel, stop } = await startBroker()
    await dirtyLog(manager)
    runtime.disk.fault = (operation, path) => (operation === 'sync' && path.includes('.cleaned') ? 'EIO' : undefined)
    await runtime.advance(BACKOFF_MS)
    expect([...failureChannel.offlineLogDirs.keys()]).toEqual(['logs'])
    expect(manager.allLogs).toEqual([])
    await stop()
  })
})
