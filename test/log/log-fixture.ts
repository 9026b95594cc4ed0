import { KafkaScheduler } from '../../src/log/kafka-scheduler.ts'
import { LogConfig } from '../../src/log/log-config.ts'
import { LogDirFailureChannel } from '../../src/log/log-dir-failure-channel.ts'
import type { UnifiedLogOptions } from '../../src/log/log-parts.ts'
import { UnifiedLog } from '../../src/log/unified-log.ts'
import { batches, buildBatch, type RecordInput } from '../../src/protocol/records/batch.ts'
import type { DiskFile } from '../../src/runtime/disk.ts'
import { createManualRuntime, type ManualRuntime } from '../support/manual-runtime.ts'

export const DIRECTORY = 'logs/orders-0'
export const TOPIC_ID = 'dGhlLXRvcGljLWlkLTAwMQ'

/** A runtime with a log directory and what logs share. */
export interface LogWorld {
  readonly runtime: ManualRuntime
  readonly scheduler: KafkaScheduler
  readonly failureChannel: LogDirFailureChannel
}

export async function createLogWorld(runtime: ManualRuntime = createManualRuntime()): Promise<LogWorld> {
  await runtime.disk.makeDirectory(DIRECTORY)
  return { runtime, scheduler: new KafkaScheduler(runtime, 10), failureChannel: new LogDirFailureChannel() }
}

/** The world after the process was killed and started again: the disk is all that is left. */
export function restarted(world: LogWorld): Promise<LogWorld> {
  return createLogWorld(world.runtime.sibling({ name: world.runtime.name, disk: world.runtime.disk }))
}

export function config(settings: Readonly<Record<string, string | number>> = {}): LogConfig {
  return LogConfig.fromProps(new Map(), new Map(Object.entries(settings).map(([key, value]) => [key, String(value)])))
}

/** Opens the log in `DIRECTORY`; by default after an unclean shutdown. */
export function openLog(world: LogWorld, options: Partial<UnifiedLogOptions> = {}): Promise<UnifiedLog> {
  return UnifiedLog.open(world.runtime, {
    directory: DIRECTORY,
    topicPartition: { topic: 'orders', partition: 0 },
    topicId: TOPIC_ID,
    config: config(),
    scheduler: world.scheduler,
    failureChannel: world.failureChannel,
    producerStateConfig: { producerIdExpirationMs: 86_400_000 },
    hadCleanShutdown: false,
    logStartOffset: 0,
    recoveryPoint: 0,
    ...options,
  })
}

export interface BatchInput {
  readonly values: readonly string[]
  readonly timestamp?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
}

/** A batch as a producer sends it. */
export function batch(input: BatchInput | string): Buffer {
  const { values, timestamp = 1_700_000_000_000, ...rest } = typeof input === 'string' ? { values: [input] } : input
  const records: RecordInput[] = values.map(value => ({ key: null, value: Buffer.from(value), timestamp }))
  return buildBatch({ records, ...rest })
}

/** Makes everything that is in the log visible to consumers. */
export function commit(log: UnifiedLog): void {
  log.updateHighWatermark(log.logEndOffset)
}

/** Offset and value of every record that the log holds from an offset on. */
export async function recordsIn(log: UnifiedLog, from: number = log.logStartOffset): Promise<[number, string][]> {
  const found: [number, string][] = []
  for (let offset = from; offset < log.logEndOffset; ) {
    const { records } = await log.read(offset, 1_048_576, 'log-end', true)
    for (const view of batches(records)) {
      for (const record of view.records()) {
        if (record.offset >= offset) found.push([record.offset, String(record.value)])
      }
      offset = view.nextOffset
    }
  }
  return found
}

/** Opens a file, hands it to `body`, closes it. */
export async function withFile(
  runtime: ManualRuntime,
  path: string,
  body: (file: DiskFile) => Promise<void>,
): Promise<void> {
  const file = await runtime.disk.open(path, { create: true })
  await body(file)
  await file.close()
}

export async function fileBytes(runtime: ManualRuntime, path: string): Promise<Buffer> {
  const file = await runtime.disk.open(path)
  const bytes = await file.read(0, file.size)
  await file.close()
  return bytes
}
