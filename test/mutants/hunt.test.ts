import { describe, expect, it } from 'vitest'
import type { Finding } from '../../harness/explore/finding.ts'
import type { Answers, Order } from '../../harness/explore/orders.ts'
import { WorkerError, WorkerPool, type Workforce } from '../../harness/explore/worker-pool.ts'
import { readMutant } from '../../harness/mutants/catalogue.ts'
import { type HuntResult, hunt } from '../../harness/mutants/hunt.ts'
import type { Mutant } from '../../harness/mutants/mutant.ts'
import { planting } from '../../harness/mutants/planting.ts'

const LOSS: Finding = { guarantee: 'no-loss', kind: 'acked-record-missing', message: 'Record p0-s0-r0 is gone.\nmore' }
const ORDER: Finding = { guarantee: 'order', kind: 'reordered-records', message: 'Out of order.' }
const DEFECT: Finding = { guarantee: 'trial', kind: 'internal', message: 'The harness is wrong.' }

const MUTANT: Mutant = { id: 'X1', title: '', reference: '', caughtBy: ['no-loss'], explore: [], patches: [] }

/** Trials whose findings hang on their number. */
class FakeWorkforce implements Workforce {
  readonly size = 1
  readonly rssMaxBytes = 0
  readonly asked: string[] = []
  closed = 0
  readonly #findings: (trial: number) => readonly Finding[]

  constructor(findings: (trial: number) => readonly Finding[]) {
    this.#findings = findings
  }

  async ask<O extends Order>(order: O): Promise<Answers[O['type']]> {
    await new Promise(resolve => setImmediate(resolve)) // a real worker takes its time, and timers go on meanwhile
    const order_: Order = order
    if (order_.type !== 'trial') throw new Error(`unexpected ${order_.type}`)
    this.asked.push(order_.seed)
    const findings = this.#findings(Number(order_.seed.split('-')[1]))
    return { seed: order_.seed, findings } as Answers[O['type']]
  }

  close(): void {
    this.closed++
  }
}

function run(
  mutated: (trial: number) => readonly Finding[],
  unmodified: (trial: number) => readonly Finding[] = () => [],
  timeMs = 60_000,
): Promise<HuntResult> {
  return hunt({
    mutant: MUTANT,
    explore: {},
    runSeed: '7',
    timeMs,
    mutated: new FakeWorkforce(mutated),
    unmodified: new FakeWorkforce(unmodified),
  })
}

describe('hunt', () => {
  it('ends with the first trial that finds something', async () => {
    const { caught, trials, disturbed } = await run(trial => (trial === 3 ? [LOSS] : []))
    expect(caught).toEqual({ finding: LOSS, seed: '7-3', expected: true })
    expect(trials).toBe(4)
    expect(disturbed).toBe(0)
  })

  it('does not count what the same trial finds without the mutant', async () => {
    const result = await run(
      trial => (trial === 0 ? [LOSS] : trial === 1 ? [LOSS, ORDER] : []),
      () => [LOSS],
    )
    expect(result.caught).toEqual({ finding: ORDER, seed: '7-1', expected: false })
    expect(result.disturbed).toBe(1)
    expect(result.disturbance).toBe(
      'trial 7-0, and without the mutant too: no-loss/acked-record-missing: Record p0-s0-r0 is gone.',
    )
  })

  it('prefers what was expected when a trial finds several things', async () => {
    const { caught } = await run(() => [ORDER, LOSS])
    expect(caught).toMatchObject({ finding: LOSS, expected: true })
  })

  it('does not count defects of the harness, and ends when its time is over', async () => {
    const { caught, trials, disturbed, disturbance } = await run(() => [DEFECT], undefined, 20)
    expect(caught).toBeUndefined()
    expect(trials).toBeGreaterThan(0)
    expect(disturbed).toBe(trials)
    expect(disturbance).toBe('trial 7-0: trial/internal: The harness is wrong.')
  })

  it('gives up when its workers end again and again', async () => {
    const result = await run(() => {
      throw new WorkerError('the worker ended with code 1')
    })
    expect(result).toMatchObject({ caught: undefined, trials: 0, disturbed: 20 })
    expect(result.disturbance).toBe('trial 7-0: the worker ended with code 1')
  })

  it('catches a mutant in worker processes that load the sources as the mutant has them', async () => {
    const mutant = readMutant('P1')
    const unmodified = new WorkerPool(1)
    const result = await hunt({
      mutant,
      explore: {
        brokers: 1,
        controllers: 1,
        replicationFactor: 1,
        idempotent: true,
        faults: ['lose-response', 'disconnect', 'kill'],
      },
      runSeed: '1',
      timeMs: 100_000,
      mutated: new WorkerPool(1, undefined, planting(mutant.id)),
      unmodified,
    })
    unmodified.close()
    expect(result).toMatchObject({ caught: { finding: { guarantee: 'no-duplicates' }, expected: true } })
  })

  it('tells why a mutant cannot be planted', async () => {
    const pool = new WorkerPool(1, undefined, planting('X99'))
    const trial = pool.ask({ type: 'trial', seed: '1-1', options: {}, twice: false })
    await expect(trial).rejects.toThrow(/ended with code 1\n[\s\S]*X99\.patch/)
    pool.close()
  })
})
