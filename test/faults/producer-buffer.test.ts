import { describe, expect, it } from 'vitest'
import { runTrial } from '../../harness/index.ts'
import type { TrialResult } from '../../harness/trial/result.ts'
import type { Fault, ProducerSpec, Scenario } from '../../harness/trial/scenario.ts'
import { onStage } from './stage.ts'

const FAULT: Fault = { kind: 'full-producer-buffer', at: { ms: 500 }, forMs: 4000, amount: 60 }
const OVERLAPPING: ProducerSpec = {
  client: 'java-semantics',
  acks: -1,
  idempotent: true,
  maxInFlight: null,
  retries: 1_000_000,
  requestTimeoutMs: 30_000,
  compression: 'none',
  sequential: false,
  renewAfterError: false,
  bufferMemory: 65_536,
  maxBlockMs: 1000,
  sends: [{ atMs: 0, partition: 0, records: 1, bytes: 0 }],
}

function scenarioOf(producer: ProducerSpec, fault = FAULT): Scenario {
  return {
    format: 2,
    seed: 'burst',
    schedule: 'fifo',
    cluster: {
      brokers: 1,
      controllers: 1,
      roles: 'combined',
      config: {},
      topic: { name: 'records', partitions: 1, replicationFactor: 1, config: {} },
    },
    workload: { kind: 'append', producers: [producer] },
    faults: [fault],
    guarantees: [
      'no-loss',
      'no-phantoms',
      'no-duplicates',
      'order',
      'every-send-settles',
      'bounded-queues',
      'recovers',
    ],
  }
}

/** When sends of the burst ended in a way that matches, virtual ms after it began. */
function endsOf({ story }: TrialResult, how: RegExp): number[] {
  const beganMs = story.find(({ text }) => text.startsWith('nobody reads'))?.ms ?? Number.NaN
  return story.filter(({ text }) => /^p0-s50\d{4}-r0 /.test(text) && how.test(text)).map(({ ms }) => ms - beganMs)
}

describe('full-producer-buffer', () => {
  it('lets sends block for max.block.ms and fail for certain, and those that had room are acknowledged', async () => {
    const result = await runTrial(scenarioOf(OVERLAPPING))

    expect(result.failure).toBeUndefined()
    expect(result.violations).toEqual([])
    expect(result.faults.get('full-producer-buffer')).toBe(1)
    const failed = endsOf(result, /failed for certain \(BufferExhaustedException/)
    const acknowledged = endsOf(result, /is acknowledged/)
    // Four batches of eight records each are all that 64 KiB hold.
    expect(acknowledged).toHaveLength(32)
    expect(failed).toHaveLength(28)
    for (const ms of failed) expect(Math.abs(ms - 1000)).toBeLessThan(5)
    for (const ms of acknowledged) expect(ms).toBeGreaterThan(4000)
    expect(result.probes.get('producer-buffer-full')).toBe(28)
  })

  it('ends before max.block.ms: what waits goes on, and nothing fails', async () => {
    const result = await runTrial(scenarioOf({ ...OVERLAPPING, maxBlockMs: 30_000 }))

    expect(result.violations).toEqual([])
    expect(endsOf(result, /is acknowledged/)).toHaveLength(60)
    expect(result.probes.has('producer-buffer-full')).toBe(false)
  })

  it.each(['kafkajs', 'platformatic'] as const)('fills the queues of %s, which have no bound', async client => {
    const { bufferMemory: _, maxBlockMs: __, ...unlimited } = OVERLAPPING
    const scenario = scenarioOf({ ...unlimited, client, idempotent: false, retries: 5 })
    const guarantees = scenario.guarantees.filter(name => name !== 'order' && name !== 'no-duplicates')

    const result = await runTrial({ ...scenario, guarantees })

    expect(result.failure).toBeUndefined()
    expect(result.violations).toEqual([])
    expect(endsOf(result, /is acknowledged/)).toHaveLength(60)
  })

  it('leaves an application alone that awaits each send', async () => {
    const result = await runTrial(scenarioOf({ ...OVERLAPPING, sequential: true }))

    expect(result.violations).toEqual([])
    expect(result.faults.has('full-producer-buffer')).toBe(false)
  })

  it('hits nobody where nobody produces', async () => {
    await onStage(async stage => {
      await stage.connect()
      await stage.begin({ kind: 'full-producer-buffer', forMs: 100, amount: 20 })
      await stage.world.sleep(200)

      expect(stage.injected('full-producer-buffer')).toBe(0)
    })
  })
})
