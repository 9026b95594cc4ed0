import fc from 'fast-check'
import { PARTITIONER_NAMES, type ProducerSpec, type Scenario, type SendSpec } from '../trial/scenario.ts'
import type { ExploreOptions } from './explore-options.ts'
import { promisedGuarantees } from './promised-guarantees.ts'

/** Of the few keys that all producers share, so that each has a history; more only thin it out. */
const MOST_KEYS = 8
/** Half of all hashes have a sign; keys that are numbered from anywhere have all kinds. */
const MOST_FIRST_KEY = 10_000

/** Lets all producers of scenarios send by key. */
export function withKeys(scenarios: fc.Arbitrary<Scenario>, options: ExploreOptions): fc.Arbitrary<Scenario> {
  return fc
    .record({
      scenario: scenarios,
      firstKey: fc.nat(MOST_FIRST_KEY),
      keys: fc.integer({ min: 1, max: MOST_KEYS }),
      partitioner:
        options.partitioner === undefined ? fc.constantFrom(...PARTITIONER_NAMES) : fc.constant(options.partitioner),
    })
    .map(({ scenario, firstKey, keys, partitioner }) => {
      const { workload, cluster, faults, ...rest } = scenario
      const byKey = (send: SendSpec): SendSpec => keyed(send, firstKey, keys)
      const producers = workload.producers.map(
        ({ sends, ...producer }): ProducerSpec => ({ ...producer, partitioner, sends: sends.map(byKey) }),
      )
      const changed = { cluster, workload: { ...workload, producers }, faults }
      return { ...rest, ...changed, format: 4, guarantees: promisedGuarantees(changed, options) }
    })
}

function keyed(send: SendSpec, firstKey: number, keys: number): SendSpec {
  if ('key' in send) return send
  const { partition, ...size } = send
  return { ...size, key: firstKey + (partition % keys) }
}
