import { expect, test } from 'vitest'
import { runTrial } from '../../harness/trial/run-trial.ts'
import type { Fault, Scenario } from '../../harness/trial/scenario.ts'
import { PRODUCER, scenarioOf } from '../checkers/support.ts'

/** Every record is flushed, so that chaos begins with the append and the sync of the first one. */
function scenario(fault: Fault): Scenario {
  const plain = scenarioOf([{ ...PRODUCER, requestTimeoutMs: 1000 }], ['no-loss', 'recovers'])
  const cluster = { ...plain.cluster, config: { 'log.flush.interval.messages': '1' } }
  return { ...plain, cluster, faults: [fault] }
}

test.each(['append', 'sync'] as const)('a fault strikes in the middle of a disk %s', async operation => {
  const { faults, probes, violations, failure } = await runTrial(
    scenario({ kind: 'power-loss', at: { disk: operation, nth: 1 }, forMs: 100 }),
  )

  expect(failure).toBeUndefined()
  expect(violations).toEqual([])
  expect(faults.get('power-loss')).toBe(1)
  expect(probes.get('broker-unclean-restart')).toBe(1)
})

test('operations on other files do not count where the trigger names some', async () => {
  const { story } = await runTrial(
    scenario({ kind: 'kill', at: { disk: 'sync', file: 'records-0/', nth: 2 }, forMs: 10 }),
  )
  const struckMs = story.find(({ who }) => who === 'fault')?.ms ?? 0
  const firstAckMs = story.find(({ text }) => text.includes('is acknowledged'))?.ms ?? Number.POSITIVE_INFINITY

  // Before its acknowledgement the first record is flushed with all files of its segment.
  expect(struckMs).toBeGreaterThan(0)
  expect(struckMs).toBeLessThan(firstAckMs)
})

test('a fault does not strike when the disk never gets so far', async () => {
  const { faults } = await runTrial(scenario({ kind: 'power-loss', at: { disk: 'rename', nth: 1000 }, forMs: 100 }))
  expect(faults.get('power-loss')).toBeUndefined()
})
