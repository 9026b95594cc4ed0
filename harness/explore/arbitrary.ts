import fc from 'fast-check'
import type { ClusterSpec, Fault, Scenario } from '../trial/scenario.ts'
import { clusterArbitrary } from './cluster-arbitrary.ts'
import { DEFAULT_FAULTS, type ExploreOptions } from './explore-options.ts'
import { faultsArbitrary } from './fault-arbitrary.ts'
import { producersArbitrary } from './producer-arbitrary.ts'
import { FLUSH_EVERY_RECORD, promisedGuarantees } from './promised-guarantees.ts'
import { seededGenerator } from './seeded-generator.ts'

/**
 * Scenarios. They shrink in the order cluster, faults, workload, schedule, towards Kafka's default configuration, fewer
 * faults, sends and records, and earlier times. The world's seed is given, not drawn: shrinking leaves it, and with it
 * every latency, as it was.
 *
 * @param seed the world's seed of every scenario
 */
export function scenarioArbitrary(options: ExploreOptions = {}, seed = '0-0'): fc.Arbitrary<Scenario> {
  return fc
    .record({
      cluster: clusterArbitrary(options),
      faults: faultsArbitrary(options.faults ?? DEFAULT_FAULTS),
      producers: producersArbitrary(options),
      flushed: fc.boolean(),
      schedule: fc.constantFrom('fifo', 'random'),
    })
    .map(({ cluster: drawn, faults, producers, flushed, schedule }) => {
      const cluster = flushed && canLosePower(faults) ? withEveryRecordFlushed(drawn, options) : drawn
      const workload = { kind: 'append', producers } as const
      const guarantees = promisedGuarantees({ cluster, workload, faults }, options)
      return { format: 1, seed, schedule, cluster, workload, faults, guarantees }
    })
}

function canLosePower(faults: readonly Fault[]): boolean {
  return faults.some(({ kind }) => kind === 'power-loss')
}

/** What makes durability a promise that can be judged, unless the user has the say in what is set or what happens. */
function withEveryRecordFlushed(cluster: ClusterSpec, { faults, set }: ExploreOptions): ClusterSpec {
  const { key, value } = FLUSH_EVERY_RECORD
  if (faults !== undefined || set?.[key] !== undefined) return cluster
  return { ...cluster, config: { ...cluster.config, [key]: value } }
}

/** A scenario with what fast-check needs to shrink it. */
export interface GeneratedScenario {
  readonly arbitrary: fc.Arbitrary<Scenario>
  readonly value: fc.Value<Scenario>
}

/** The scenario of a trial seed, and how to shrink it. */
export function generateScenario(trialSeed: string, options: ExploreOptions = {}): GeneratedScenario {
  const arbitrary = scenarioArbitrary(options, trialSeed)
  const value = arbitrary.generate(new fc.Random(seededGenerator(trialSeed)), undefined)
  return { arbitrary, value }
}

/** The scenario of a trial seed: always the same for the same options. */
export function scenarioFromSeed(trialSeed: string, options: ExploreOptions = {}): Scenario {
  return generateScenario(trialSeed, options).value.value
}

/** `42-17`: the 17th trial (from 0) of the run with seed 42. */
export function trialSeed(runSeed: string, trial: number): string {
  return `${runSeed}-${trial}`
}
