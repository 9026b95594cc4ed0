import { describe, expect, test } from 'vitest'
import { CleanShutdownFileHandler } from '../../src/log/clean-shutdown-file-handler.ts'
import { KafkaScheduler } from '../../src/log/kafka-scheduler.ts'
import type { LogConfig } from '../../src/log/log-config.ts'
import { LogDirFailureChannel } from '../../src/log/log-dir-failure-channel.ts'
import { InconsistentTopicIdError, KafkaStorageError } from '../../src/log/log-errors.ts'
import { LogManager, type LogManagerOptions } from '../../src/log/log-manager.ts'
import type { TopicPartition } from '../../src/protocol/topic-partition.ts'
import { createManualRuntime, type ManualRuntime } from '../support/manual-runtime.ts'
import { batch, commit, config, fileBytes, recordsIn, TOPIC_ID } from './log-fixture.ts'

const ORDERS: TopicPartition = { topic: 'orders', partition: 0 }
const OTHER_ID = 'dGhlLXRvcGljLWlkLTAwMg'

interface Broker {
  readonly runtime: ManualRuntime
  readonly scheduler: KafkaScheduler
  readonly failureChannel: LogDirFailureChannel
  readonly manager: LogManager
  stop(brokerEpoch?: number): Promise<void>
}

async function startBroker(
  runtime: ManualRuntime = createManualRuntime(),
  options: Partial<LogManagerOptions> & { readonly settings?: LogConfig } = {},
): Promise<Broker> {
  const scheduler = new KafkaScheduler(runtime, 10)
  const failureChannel = new LogDirFailureChannel()
  const settings = options.settings ?? config()
  const manager = new LogManager(runtime, {
    logDirs: ['logs'],
    scheduler,
    failureChannel,
    topicConfig: () => settings,
    ...options,
  })
  await manager.startup()
  const stop = async (brokerEpoch?: number) => {
    await scheduler.shutdown()
    await manager.shutdown(brokerEpoch)
  }
  return { runtime, scheduler, failureChannel, manager, stop }
}

const again = ({ runtime }: Broker, options: Parameters<typeof startBroker>[1] = {}) =>
  startBroker(runtime.sibling({ name: runtime.name, disk: runtime.disk }), options)

describe('making logs', () => {
  test('gives a partition one log, and tells where it belongs', async () => {
    const { manager, runtime } = await startBroker()
    const log = await manager.getOrCreateLog(ORDERS, TOPIC_ID)
    expect(await manager.getOrCreateLog(ORDERS, TOPIC_ID)).toBe(log)
    expect(manager.getLog(ORDERS)).toBe(log)
    expect(String(await fileBytes(runtime, 'logs/orders-0/partition.metadata'))).toBe(
      `version: 0\ntopic_id: ${TOPIC_ID}`,
    )
    await expect(manager.getOrCreateLog(ORDERS, OTHER_ID)).rejects.toThrow(InconsistentTopicIdError)
  })

  test('spreads logs over the log directories', async () => {
    const { manager } = await startBroker(undefined, { logDirs: ['a', 'b'] })
    for (let partition = 0; partition < 4; partition++)
      await manager.getOrCreateLog({ topic: 't', partition }, TOPIC_ID)
    expect(manager.allLogs.map(log => log.parentDir)).toEqual(['a', 'b', 'a', 'b'])
  })

  test('puts a log where the metadata says, if it has such a directory', async () => {
    const directoryIds = new Map([
      ['a', 'aWQtb2YtZGlyZWN0b3J5LWE'],
      ['b', 'aWQtb2YtZGlyZWN0b3J5LWI'],
    ])
    const { manager } = await startBroker(undefined, { logDirs: ['a', 'b'], directoryIds })
    const place = async (partition: number, directoryId: string | undefined) =>
      (await manager.getOrCreateLog({ topic: 't', partition }, TOPIC_ID, directoryId)).parentDir

    expect(await place(0, directoryIds.get('b'))).toBe('b')
    expect(await place(1, directoryIds.get('b'))).toBe('b')
    expect(await place(2, 'aWQtb2YtYW5vdGhlci1kaQ')).toBe('a')
  })

  test('the directory of a new log survives a power failure', async () => {
    const { manager, runtime } = await startBroker()
    await manager.getOrCreateLog(ORDERS, TOPIC_ID)
    const operations = runtime.disk.operations.map(({ operation, path }) => `${operation} ${path}`)
    const made = operations.indexOf('makeDirectory logs/orders-0')
    expect(operations.indexOf('syncDirectory logs', made)).toBeGreaterThan(made)
  })
})

describe('restarts', () => {
  test('directories that were left in different runs, or cannot be read, are no clean shutdown', async () => {
    const runtime = createManualRuntime()
    for (const [directory, epoch] of [
      ['a', 5],
      ['b', 17],
    ] as const) {
      await runtime.disk.makeDirectory(directory)
      await new CleanShutdownFileHandler(runtime, directory).write(epoch)
    }
    const failureChannel = new LogDirFailureChannel()
    const epochOf = (...logDirs: string[]) => {
      const scheduler = new KafkaScheduler(runtime, 1)
      const manager = new LogManager(runtime, { logDirs, scheduler, failureChannel, topicConfig: () => config() })
      return manager.readBrokerEpochFromCleanShutdownFiles()
    }

    expect(await epochOf('b')).toBe(17)
    expect(await epochOf('a', 'b')).toBe(-1)

    failureChannel.maybeAddOfflineLogDir('b', new Error('the disk has failed'))
    expect(await epochOf('b')).toBe(-1)
  })

  test('a clean shutdown leaves a marker with the broker epoch, and the next start removes it', async () => {
    const broker = await startBroker()
    const log = await broker.manager.getOrCreateLog(ORDERS, TOPIC_ID)
    await log.appendAsLeader(batch('a'), 0)
    await broker.stop(17)
    const probe = new LogManager(broker.runtime, {
      logDirs: ['logs'],
      scheduler: broker.scheduler,
      failureChannel: new LogDirFailureChannel(),
      topicConfig: () => config(),
    })
    expect(await probe.readBrokerEpochFromCleanShutdownFiles()).toBe(17)
    const next = await again(broker)
    expect(next.manager.recoveredLogDirs.size).toBe(0)
    expect(await next.manager.readBrokerEpochFromCleanShutdownFiles()).toBe(-1)
    const reopened = next.manager.getLog(ORDERS)
    expect([reopened?.logEndOffset, reopened?.recoveryPoint, reopened?.topicId]).toEqual([1, 1, TOPIC_ID])
  })

  test('a killed broker recovers, and loses nothing that the page cache kept', async () => {
    const broker = await startBroker()
    const log = await broker.manager.getOrCreateLog(ORDERS, TOPIC_ID)
    await log.appendAsLeader(batch('a'), 0)
    const next = await again(broker)
    expect([...next.manager.recoveredLogDirs]).toEqual(['logs'])
    const reopened = next.manager.getLog(ORDERS)
    expect(reopened === undefined ? [] : await recordsIn(reopened)).toEqual([[0, 'a']])
  })

  test('deleted records stay deleted after the log start offset was written', async () => {
    const broker = await startBroker()
    const log = await broker.manager.getOrCreateLog(ORDERS, TOPIC_ID)
    for (const value of ['a', 'b', 'c']) await log.appendAsLeader(batch(value), 0)
    commit(log)
    await log.maybeIncrementLogStartOffset(2)
    await broker.runtime.advance(90_000)
    expect(String(await fileBytes(broker.runtime, 'logs/log-start-offset-checkpoint'))).toBe('0\n1\norders 0 2\n')
    expect((await again(broker)).manager.getLog(ORDERS)?.logStartOffset).toBe(2)
  })

  test('an unreadable recovery point means that everything is checked', async () => {
    const broker = await startBroker()
    const log = await broker.manager.getOrCreateLog(ORDERS, TOPIC_ID)
    await log.appendAsLeader(batch('a'), 0)
    const file = await broker.runtime.disk.open('logs/recovery-point-offset-checkpoint', { create: true })
    await file.append(Buffer.from('garbage'))
    expect((await again(broker)).manager.getLog(ORDERS)?.logEndOffset).toBe(1)
  })

  test('the metadata log, stray directories and other files are left alone', async () => {
    const runtime = createManualRuntime()
    await runtime.disk.makeDirectory('logs/__cluster_metadata-0')
    await runtime.disk.makeDirectory('logs/orders-0.abc-stray')
    const { manager } = await startBroker(runtime)
    expect(manager.allLogs).toEqual([])
    expect(await runtime.disk.list('logs')).toEqual(['__cluster_metadata-0', 'orders-0.abc-stray'])
  })
})

describe('background work', () => {
  test('writes recovery points every minute, and only when they have changed', async () => {
    const broker = await startBroker()
    const log = await broker.manager.getOrCreateLog(ORDERS, TOPIC_ID)
    await log.appendAsLeader(batch('a'), 0)
    await log.flush()
    await broker.runtime.advance(30_000)
    expect(String(await fileBytes(broker.runtime, 'logs/recovery-point-offset-checkpoint'))).toBe('0\n1\norders 0 1\n')
    const before = broker.runtime.disk.operations.length
    await broker.runtime.advance(240_000)
    expect(broker.runtime.disk.operations.length).toBe(before)
  })

  test('an idle hour costs few timers', async () => {
    const broker = await startBroker()
    await broker.manager.getOrCreateLog(ORDERS, TOPIC_ID)
    const before = broker.runtime.firedTimers
    await broker.runtime.advance(3_600_000)
    expect(broker.runtime.firedTimers - before).toBeLessThan(100)
  })

  test('applies retention every five minutes', async () => {
    const broker = await startBroker(undefined, { settings: config({ 'retention.ms': 1000 }) })
    const log = await broker.manager.getOrCreateLog(ORDERS, TOPIC_ID)
    await log.appendAsLeader(batch({ values: ['a'], timestamp: broker.runtime.clock.wallMs() }), 0)
    commit(log)
    await broker.runtime.advance(29_000)
    expect(log.logStartOffset).toBe(0)
    await broker.runtime.advance(1000)
    expect(log.logStartOffset).toBe(1)
  })

  test('flushes by time when log.flush.scheduler.interval.ms is set', async () => {
    const settings = config({ 'flush.ms': 5000 })
    const broker = await startBroker(undefined, { settings, flushSchedulerIntervalMs: 1000, initialTaskDelayMs: 0 })
    const log = await broker.manager.getOrCreateLog(ORDERS, TOPIC_ID)
    await log.appendAsLeader(batch('a'), 0)
    await broker.runtime.advance(4000)
    expect(log.recoveryPoint).toBe(0)
    await broker.runtime.advance(1000)
    expect(log.recoveryPoint).toBe(1)
  })
})

describe('deleting topics', () => {
  test('renames the directory at once and removes it after file.delete.delay.ms', async () => {
    const broker = await startBroker()
    const log = await broker.manager.getOrCreateLog(ORDERS, TOPIC_ID)
    await log.appendAsLeader(batch('a'), 0)
    await broker.manager.asyncDelete([ORDERS])
    expect(broker.manager.getLog(ORDERS)).toBeUndefined()
    const deleted = (await broker.runtime.disk.list('logs')).filter(name =>
      /^orders-0\.[0-9a-f]{32}-delete$/.test(name),
    )
    expect(deleted).toHaveLength(1)
    await expect(log.appendAsLeader(batch('b'), 0)).rejects.toThrow(KafkaStorageError)
    const fresh = await broker.manager.getOrCreateLog(ORDERS, OTHER_ID)
    expect(fresh.logEndOffset).toBe(0)
    await broker.runtime.advance(60_000)
    expect((await broker.runtime.disk.list('logs')).filter(name => name.endsWith('-delete'))).toEqual([])
    expect(broker.failureChannel.offlineLogDirs.size).toBe(0)
  })

  test('takes a log that comes and goes again before the first one is removed', async () => {
    const broker = await startBroker()
    for (const id of [TOPIC_ID, OTHER_ID]) {
      await broker.manager.getOrCreateLog(ORDERS, id)
      await broker.manager.asyncDelete([ORDERS])
    }

    const leaving = (await broker.runtime.disk.list('logs')).filter(name => name.endsWith('-delete'))
    expect(new Set(leaving).size).toBe(2)
    expect(broker.failureChannel.offlineLogDirs.size).toBe(0)
  })

  test('a deletion that a crash interrupted is finished by the next start', async () => {
    const broker = await startBroker()
    await broker.manager.getOrCreateLog(ORDERS, TOPIC_ID)
    await broker.manager.asyncDelete([ORDERS])
    const next = await again(broker)
    expect(next.manager.allLogs).toEqual([])
    await next.runtime.advance(1)
    expect((await broker.runtime.disk.list('logs')).filter(name => name.startsWith('orders'))).toEqual([])
  })
})

describe('disk failures', () => {
  test('take the logs of the directory out of service and leave no clean marker', async () => {
    const broker = await startBroker(undefined, { logDirs: ['a', 'b'] })
    const first = await broker.manager.getOrCreateLog({ topic: 't', partition: 0 }, TOPIC_ID)
    await broker.manager.getOrCreateLog({ topic: 't', partition: 1 }, TOPIC_ID)
    broker.runtime.disk.fault = (_, path) => (path.startsWith('a') ? 'EIO' : undefined)
    await expect(first.appendAsLeader(batch('x'), 0)).rejects.toThrow(KafkaStorageError)
    expect(broker.manager.liveLogDirs).toEqual(['b'])
    expect(broker.manager.allLogs.map(log => log.name)).toEqual(['t-1'])
    broker.runtime.disk.fault = undefined
    await broker.stop()
    expect(await broker.runtime.disk.list('a')).not.toContain('.kafka_cleanshutdown')
    expect(await broker.runtime.disk.list('b')).toContain('.kafka_cleanshutdown')
  })

  test('keep a replica from being made anew elsewhere while its log may be in the failed directory', async () => {
    const directoryIds = new Map([
      ['a', 'aWQtb2YtZGlyZWN0b3J5LWE'],
      ['b', 'aWQtb2YtZGlyZWN0b3J5LWI'],
    ])
    const { manager, failureChannel } = await startBroker(undefined, { logDirs: ['a', 'b'], directoryIds })
    failureChannel.maybeAddOfflineLogDir('a', new Error('EIO'))

    await expect(manager.getOrCreateLog(ORDERS, TOPIC_ID, directoryIds.get('a'))).rejects.toThrow(
      'the log of orders-0 may be in a log directory that has failed',
    )
    expect((await manager.getOrCreateLog(ORDERS, TOPIC_ID)).parentDir).toBe('b')
  })

  test('no directory left means that no log can be made', async () => {
    const broker = await startBroker()
    broker.runtime.disk.fault = () => 'EIO'
    await expect(broker.manager.getOrCreateLog(ORDERS, TOPIC_ID)).rejects.toThrow(KafkaStorageError)
    await expect(broker.manager.getOrCreateLog(ORDERS, TOPIC_ID)).rejects.toThrow('all log directories have failed')
  })
})
