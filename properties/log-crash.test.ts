import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { World } from '../harness/world/world.ts'
import { readLogDirectory } from '../src/log/inspect.ts'
import { KafkaScheduler } from '../src/log/kafka-scheduler.ts'
import { LogConfig } from '../src/log/log-config.ts'
import { LogDirFailureChannel } from '../src/log/log-dir-failure-channel.ts'
import { LogManager } from '../src/log/log-manager.ts'
import type { UnifiedLog } from '../src/log/unified-log.ts'
import { batches, buildBatch } from '../src/protocol/records/batch.ts'
import type { Runtime } from '../src/runtime/runtime.ts'

const ORDERS = { topic: 'orders', partition: 0 }
const TOPIC_ID = 'dGhlLXRvcGljLWlkLTAwMQ'

type Crash = 'kill' | 'power-loss' | 'clean'

interface Plan {
  readonly seed: number
  /** What ends each life of the broker, and after how long. */
  readonly lives: readonly { readonly end: Crash; readonly afterMs: number }[]
  readonly segmentBytes: number
  readonly valueBytes: number
}

interface Outcome {
  /** Number of each record that was acknowledged, and its offset. */
  readonly acked: ReadonlyMap<number, number>
  /** Numbers of the records that the healed log holds, by offset. */
  readonly held: readonly number[]
  readonly firstOffset: number
  readonly findings: readonly string[]
}

interface Life {
  readonly log: UnifiedLog
  stop(): Promise<void>
}

async function startLife(runtime: Runtime, config: LogConfig, leaderEpoch: number): Promise<Life> {
  const scheduler = new KafkaScheduler(runtime, 10)
  const failureChannel = new LogDirFailureChannel()
  const options = { logDirs: ['logs'], scheduler, failureChannel, topicConfig: () => config, initialTaskDelayMs: 20 }
  const manager = new LogManager(runtime, { ...options, recoveryPointCheckpointIntervalMs: 50 })
  await manager.startup()
  const log = await manager.getOrCreateLog(ORDERS, TOPIC_ID)
  await log.assignEpochStartOffset(leaderEpoch, log.logEndOffset)
  const stop = async () => {
    await scheduler.shutdown()
    await manager.shutdown()
  }
  return { log, stop }
}

/** One producer writes the numbers 0, 1, 2, …, repeating after each crash what was not acknowledged. */
async function runTrial(plan: Plan, flushMessages: number | undefined, idempotent: boolean): Promise<Outcome> {
  const settings = new Map([
    ['internal.segment.bytes', String(plan.segmentBytes)],
    ['index.interval.bytes', '200'],
    ['retention.ms', '-1'],
  ])
  if (flushMessages !== undefined) settings.set('flush.messages', String(flushMessages))
  const config = LogConfig.fromProps(new Map(), settings)
  const world = new World({ seed: `log-crash-${plan.seed}` })
  const acked = new Map<number, number>()
  let next = 0
  return world.run(async () => {
    const host = world.host('broker')
    for (const [index, { end, afterMs }] of plan.lives.entries()) {
      const process = host.process()
      let life: Life | undefined
      let stopping = false
      const writer = process.threads.start('writer', async () => {
        life = await startLife(process, config, index)
        while (!stopping) {
          const number = next
          const value = Buffer.alloc(plan.valueBytes, `${number} `)
          const producer = idempotent ? { producerId: 1, producerEpoch: 0, baseSequence: number } : {}
          const timestamp = process.clock.wallMs()
          const info = await life.log.appendAsLeader(
            buildBatch({ records: [{ value, timestamp }], ...producer }),
            index,
          )
          acked.set(number, info.firstOffset)
          next = number + 1
          await process.threads.spend(400)
        }
      })
      await world.sleep(afterMs)
      if (end === 'clean') {
        stopping = true
        await writer.done
        await process.run(() => life?.stop())
        process.kill()
      } else if (end === 'kill') {
        host.kill()
      } else {
        host.powerLoss()
      }
    }
    const process = host.process()
    const { log } = await process.run(() => startLife(process, config, plan.lives.length))
    const held = await process.run(() => readNumbers(log))
    const report = await process.run(() => readLogDirectory(process.disk, 'logs/orders-0'))
    const findings = report.findings.map(({ file, message }) => `${file}: ${message}`)
    return { acked, held, firstOffset: log.logStartOffset, findings }
  })
}

async function readNumbers(log: UnifiedLog): Promise<number[]> {
  const numbers: number[] = []
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const { records } = await log.read(offset, 65_536, 'log-end', true)
    for (const batch of batches(records)) {
      for (const record of batch.records()) {
        if (record.offset >= offset) numbers.push(Number.parseInt(String(record.value), 10))
      }
      offset = batch.nextOffset
    }
  }
  return numbers
}

const plans = (...ends: Crash[]) =>
  fc.record({
    seed: fc.nat(),
    lives: fc.array(fc.record({ end: fc.constantFrom(...ends), afterMs: fc.integer({ min: 1, max: 120 }) }), {
      minLength: 1,
      maxLength: 4,
    }),
    segmentBytes: fc.integer({ min: 1500, max: 8000 }),
    valueBytes: fc.integer({ min: 8, max: 1200 }),
  })

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

describe('a log', () => {
  test('keeps every record and repeats none when its process is killed', async () => {
    await fc.assert(
      fc.asyncProperty(plans('kill', 'clean'), async plan => {
        const { acked, held, findings } = await runTrial(plan, undefined, true)
        expect(findings).toEqual([])
        expect(held).toEqual(upTo(held.length))
        for (const [number, offset] of acked) expect(held[offset]).toBe(number)
      }),
      { numRuns: 60 },
    )
  })

  test('keeps every record and repeats none when the power fails, with flush.messages=1', async () => {
    await fc.assert(
      fc.asyncProperty(plans('kill', 'power-loss', 'clean'), async plan => {
        const { acked, held, findings } = await runTrial(plan, 1, true)
        expect(findings).toEqual([])
        expect(held).toEqual(upTo(held.length))
        for (const [number, offset] of acked) expect(held[offset]).toBe(number)
      }),
      { numRuns: 150 },
    )
  })

  test('stays sound, in order and dense when the power fails, whatever was flushed', async () => {
    await fc.assert(
      fc.asyncProperty(plans('kill', 'power-loss', 'clean'), async plan => {
        const { held, findings, firstOffset } = await runTrial(plan, undefined, false)
        expect(findings).toEqual([])
        expect(firstOffset).toBe(0)
        for (const [index, number] of held.entries()) expect(number).toBeGreaterThanOrEqual(held[index - 1] ?? 0)
      }),
      { numRuns: 150 },
    )
  })
})
