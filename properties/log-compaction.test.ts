import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { World } from '../harness/world/world.ts'
import { DEFAULT_CLEANER_CONFIG } from '../src/log/cleaner/cleaner-config.ts'
import { readLogDirectory } from '../src/log/inspect.ts'
import { KafkaScheduler } from '../src/log/kafka-scheduler.ts'
import { LogConfig } from '../src/log/log-config.ts'
import { LogDirFailureChannel } from '../src/log/log-dir-failure-channel.ts'
import { LogManager } from '../src/log/log-manager.ts'
import type { UnifiedLog } from '../src/log/unified-log.ts'
import { batches, buildBatch, type CompressionCodec } from '../src/protocol/records/batch.ts'
import type { Runtime } from '../src/runtime/runtime.ts'

const ORDERS = { topic: 'orders', partition: 0 }
const TOPIC_ID = 'dGhlLXRvcGljLWlkLTAwMQ'
/** A tombstone outlives every reader that may have seen what it deletes. */
const DELETE_RETENTION_MS = 40
const MAX_READ_MS = 30

type Crash = 'kill' | 'power-loss' | 'clean'

interface Plan {
  readonly seed: number
  /** What ends each life of the broker, and after how long. */
  readonly lives: readonly { readonly end: Crash; readonly afterMs: number }[]
  /** What the records do, over and over: a record's number is its place in the endless list. */
  readonly cycle: readonly { readonly key: number; readonly isTombstone: boolean }[]
  readonly segmentBytes: number
  readonly valueBytes: number
  readonly compression: CompressionCodec
  readonly cleanerThreads: number
  readonly mapSlots: number
}

/** What the log holds of one record. */
interface Held {
  readonly key: number
  readonly offset: number
  readonly number: number
}

interface Outcome {
  /** Number of each record that was acknowledged, and its offset. */
  readonly acked: ReadonlyMap<number, number>
  readonly held: readonly Held[]
  readonly findings: readonly string[]
  /** What readers found that was older than what was acknowledged before they began. */
  readonly staleReads: readonly string[]
  readonly digest: string
}

async function startLife(runtime: Runtime, config: LogConfig, plan: Plan, leaderEpoch: number) {
  const scheduler = new KafkaScheduler(runtime, 10)
  const failureChannel = new LogDirFailureChannel()
  const manager = new LogManager(runtime, {
    logDirs: ['logs'],
    scheduler,
    failureChannel,
    topicConfig: () => config,
    initialTaskDelayMs: 20,
    recoveryPointCheckpointIntervalMs: 50,
    cleanerConfig: {
      ...DEFAULT_CLEANER_CONFIG,
      numThreads: plan.cleanerThreads,
      dedupeBufferSize: plan.mapSlots * 24 * plan.cleanerThreads,
      ioBufferSize: 2000 * plan.cleanerThreads,
      backoffMs: 3,
    },
  })
  await manager.startup()
  const log = await manager.getOrCreateLog(ORDERS, TOPIC_ID)
  await log.assignEpochStartOffset(leaderEpoch, log.logEndOffset)
  log.updateHighWatermark(log.logEndOffset)
  const stop = async () => {
    await scheduler.shutdown()
    await manager.shutdown()
  }
  return { log, stop }
}

function settingsOf(plan: Plan): LogConfig {
  const settings = {
    'cleanup.policy': 'compact',
    'internal.segment.bytes': String(plan.segmentBytes),
    'index.interval.bytes': '200',
    'min.cleanable.dirty.ratio': '0.1',
    'delete.retention.ms': String(DELETE_RETENTION_MS),
    'file.delete.delay.ms': '5',
    'flush.messages': '1',
  }
  return LogConfig.fromProps(new Map(), new Map(Object.entries(settings)))
}

/** One producer writes the records of the cycle, repeating after each crash what was not acknowledged; another one reads. */
async function runTrial(plan: Plan): Promise<Outcome> {
  const config = settingsOf(plan)
  const world = new World({ seed: `log-compaction-${plan.seed}` })
  const acked = new Map<number, number>()
  const staleReads: string[] = []
  let next = 0
  const at = (number: number) => {
    const step = plan.cycle[number % plan.cycle.length]
    if (step === undefined) throw new Error('a cycle has at least one step')
    return step
  }
  const recordOf = (number: number, timestamp: number) => {
    const { key, isTombstone } = at(number)
    const value = isTombstone ? null : Buffer.alloc(plan.valueBytes, `${number} `)
    return {
      key: Buffer.from(`${key}`),
      value,
      timestamp,
      headers: [{ key: 'number', value: Buffer.from(`${number}`) }],
    }
  }
  const readOnce = async (runtime: Runtime, log: UnifiedLog) => {
    const last = new Map<number, number>()
    for (const number of acked.keys()) last.set(at(number).key, number)
    const startMs = runtime.clock.monotonicMs()
    const found = new Map<number, number>()
    for (const { key, number } of await readAll(log)) found.set(key, number)
    if (runtime.clock.monotonicMs() - startMs > MAX_READ_MS) return
    for (const [key, number] of last) {
      const seen = found.get(key) ?? (at(number).isTombstone ? number : -1)
      if (seen < number) staleReads.push(`key ${key}: ${seen} after ${number}`)
    }
  }
  return world.run(async () => {
    const host = world.host('broker')
    for (const [index, { end, afterMs }] of plan.lives.entries()) {
      const process = host.process()
      let life: Awaited<ReturnType<typeof startLife>> | undefined
      let stopping = false
      const writer = process.threads.start('writer', async () => {
        life = await startLife(process, config, plan, index)
        process.threads.start('reader', async () => {
          while (!stopping && life !== undefined) {
            await readOnce(process, life.log)
            await process.threads.spend(900)
          }
        })
        while (!stopping) {
          const { log } = life
          const record = recordOf(next, process.clock.wallMs())
          const sequence = { producerId: 1, producerEpoch: 0, baseSequence: next }
          const { firstOffset } = await log.appendAsLeader(
            buildBatch({ records: [record], compression: plan.compression, ...sequence }),
            index,
          )
          log.updateHighWatermark(log.logEndOffset)
          acked.set(next, firstOffset)
          next++
          await process.threads.spend(300)
        }
      })
      await world.sleep(afterMs)
      if (end === 'clean') {
        stopping = true
        await writer.done
        await world.sleep(50)
        await process.run(async () => life?.stop())
        process.kill()
      } else if (end === 'kill') {
        host.kill()
      } else {
        host.powerLoss()
      }
    }
    const process = host.process()
    const { log, stop } = await process.run(() => startLife(process, config, plan, plan.lives.length))
    await world.sleep(100)
    const held = await process.run(() => readAll(log))
    await process.run(stop)
    const report = await process.run(() => readLogDirectory(process.disk, 'logs/orders-0', { compacted: true }))
    const findings = report.findings.map(({ file, message }) => `${file}: ${message}`)
    for (const name of await process.run(() => process.disk.list('logs/orders-0'))) {
      if (/cleaned|swap/.test(name)) findings.push(`${name} is left over`)
    }
    return { acked, held, findings, staleReads, digest: world.trace.digest() }
  })
}

async function readAll(log: UnifiedLog): Promise<Held[]> {
  const found: Held[] = []
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const { records } = await log.read(offset, 3000, 'log-end', true)
    for (const batch of batches(records)) {
      for (const record of batch.records()) {
        if (record.offset < offset) continue
        const number = Number.parseInt(String(record.headers[0]?.value), 10)
        found.push({ key: Number(String(record.key)), offset: record.offset, number })
      }
      offset = batch.nextOffset
    }
  }
  return found
}

const plans = fc.record({
  seed: fc.nat(),
  lives: fc.array(
    fc.record({
      end: fc.constantFrom<Crash>('kill', 'power-loss', 'clean'),
      afterMs: fc.integer({ min: 1, max: 160 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  cycle: fc.array(fc.record({ key: fc.nat(6), isTombstone: fc.boolean() }), {
    minLength: 1,
    maxLength: 14,
  }),
  segmentBytes: fc.integer({ min: 400, max: 4000 }),
  valueBytes: fc.integer({ min: 8, max: 300 }),
  compression: fc.constantFrom<CompressionCodec>('none', 'none', 'gzip', 'lz4'),
  cleanerThreads: fc.integer({ min: 1, max: 2 }),
  mapSlots: fc.integer({ min: 3, max: 40 }),
})

/** What a reader of the whole log must not find: anything but the last record of each key; where that is a tombstone, nothing will do. */
function problemsWith(plan: Plan, outcome: Outcome): string[] {
  const { acked, held } = outcome
  const problems = [...outcome.findings, ...outcome.staleReads]
  const found = new Map<number, number>()
  let previous = -1
  for (const { key, offset, number } of held) {
    if (offset <= previous) problems.push(`offset ${offset} after ${previous}`)
    previous = offset
    const known = acked.get(number)
    if (known !== undefined && known !== offset) problems.push(`number ${number} moved from ${known} to ${offset}`)
    found.set(key, number)
  }
  const last = new Map<number, number>()
  for (const number of acked.keys()) last.set(plan.cycle[number % plan.cycle.length]?.key ?? -1, number)
  for (const [key, number] of last) {
    const isTombstone = plan.cycle[number % plan.cycle.length]?.isTombstone === true
    const seen = found.get(key)
    if (seen === undefined ? !isTombstone : seen < number) problems.push(`key ${key}: found ${seen}, wrote ${number}`)
  }
  return problems
}

describe('a compacted log', () => {
  test('gives the last value of each key and brings nothing old back, whatever ends the broker', async () => {
    let superseded = 0
    await fc.assert(
      fc.asyncProperty(plans, async plan => {
        const outcome = await runTrial(plan)
        superseded += outcome.acked.size - outcome.held.length
        expect(problemsWith(plan, outcome)).toEqual([])
      }),
      { numRuns: 120 },
    )
    expect(superseded).toBeGreaterThan(500)
  })

  test('is cleaned in the same way each time', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async plan => {
        expect(await runTrial(plan)).toEqual(await runTrial(plan))
      }),
      { numRuns: 10 },
    )
  })
})
