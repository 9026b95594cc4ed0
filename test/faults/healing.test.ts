import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FAULT_CATALOGUE } from '../../harness/faults/catalogue.ts'
import { FAULT_NAMES, type Fault, type FaultName } from '../../harness/trial/scenario.ts'
import { leftBehind } from './soundness.ts'
import { onStage, type Stage } from './stage.ts'

const CHAOS_MS = 3000

/** Two clients that go on working, each with a new connection when its last one breaks. */
function keepBusy(stage: Stage): () => void {
  let over = false
  const work = async (client: number): Promise<void> => {
    while (!over) {
      try {
        const connection = await stage.connect(client)
        while (!over) {
          await stage.produce(connection)
          await stage.world.sleep(50)
        }
        connection.close()
      } catch {
        await stage.world.sleep(50)
      }
    }
  }
  work(0)
  work(1)
  return () => {
    over = true
  }
}

/** Carries faults out among working clients, heals everything after `healMs`, and says what is not as it was. */
async function healed(faults: readonly Fault[], healMs: number): Promise<unknown[]> {
  return await onStage(async stage => {
    const rest = keepBusy(stage)
    stage.arm(...faults)
    await stage.world.sleep(healMs)
    rest()
    stage.plan.heal()
    stage.broker.start()
    const injected = [...stage.plan.injected.values()].reduce((sum, count) => sum + count, 0)
    const lines = stage.story.length
    await stage.world.sleep(60_000) // the slowest operation of a slow disk, the end of a session
    const left = leftBehind(stage)
    const client = await stage.connect()
    const tookMs = await stage.produce(client)
    if (tookMs > 20) left.push(`a request takes ${tookMs} ms`)
    if (stage.story.length > lines) left.push(...stage.story.slice(lines))
    if ([...stage.plan.injected.values()].reduce((sum, count) => sum + count, 0) > injected) left.push('a late fault')
    return [...left, ...stage.crashes]
  })
}

function faultOf(kind: FaultName): fc.Arbitrary<Fault> {
  const { amount, longestMs } = FAULT_CATALOGUE[kind]
  const ms = fc.record({ ms: fc.nat(CHAOS_MS) })
  const request = fc.record({ request: fc.constantFrom('Produce', 'Metadata'), nth: fc.integer({ min: 1, max: 50 }) })
  const probe = fc.record({ probe: fc.constantFrom('produce-handled', 'broker-unclean-restart', 'request-queue-full') })
  return fc
    .record({
      at: fc.oneof(ms, request, probe),
      forMs: fc.nat(longestMs),
      pick: fc.nat(7),
      amount: fc.integer({ min: amount?.low ?? 0, max: amount?.high ?? 0 }),
    })
    .map(({ amount: strength, ...fault }) => ({
      kind,
      ...fault,
      ...(amount === undefined ? {} : { amount: strength }),
    }))
}

/** What a broker alone can suffer and get over. The rest is the same as another one to it, or nothing at all. */
const KINDS = FAULT_NAMES.filter(
  kind =>
    ![
      'bit-rot',
      'controller-partition',
      'controlled-shutdown',
      'crash-leader',
      'lose-alter-partition',
      'move-leader',
      'partition',
      'reassign',
    ].includes(kind),
)
const PAIRS = KINDS.flatMap(first => KINDS.map(second => [first, second] as const))

describe('healing', () => {
  it('leaves nothing behind of any two kinds of faults that overlap, whichever ends first', async () => {
    const wrong: unknown[] = []
    for (const [first, second] of PAIRS) {
      const left = await healed(
        [
          { kind: first, at: { ms: 100 }, forMs: 1000 },
          { kind: second, at: { ms: 200 }, forMs: 300 },
        ],
        1500,
      )
      if (left.length > 0) wrong.push({ first, second, left })
    }
    expect(wrong).toEqual([])
  })

  it('in the midst of any faults ends all of them, and nothing begins after it', async () => {
    const faults = fc.array(fc.oneof(...KINDS.map(faultOf)), { minLength: 1, maxLength: 6 })
    const property = fc.asyncProperty(faults, fc.nat(CHAOS_MS + 1000), async (drawn, healMs) => {
      expect(await healed(drawn, healMs)).toEqual([])
    })
    await fc.assert(property, { seed: 31, numRuns: 300, endOnFailure: false })
  })
})
