import fc from 'fast-check'
import type { ClusterSpec, Fault, ProducerSpec, Scenario } from '../trial/scenario.ts'
import { SCHEDULE_NAMES } from '../world/schedule.ts'
import { withChurn } from './churn-scenario-arbitrary.ts'
import { clusterArbitrary } from './cluster-arbitrary.ts'
import { FLUSH_EVERY_RECORD } from './durability.ts'
import { defaultFaults, type ExploreOptions, hasGroups } from './explore-options.ts'
import { fittingFaults } from './fault-arbitrary.ts'
import { faultsArbitrary } from './fault-plan-arbitrary.ts'
import { withGroups } from './group-scenario-arbitrary.ts'
import { withKeys } from './keyed-scenario-arbitrary.ts'
import { producersArbitrary } from './producer-arbitrary.ts'
import { promisedGuarantees } from './promised-guarantees.ts'
import { withRedeploys } from './redeploy-scenario-arbitrary.ts'
import { seededGenerator } from './seeded-generator.ts'

/**
 * Scenarios. They shrink in the order cluster, faults, workload, schedule, towards Kafka's default configuration, fewer
 * faults, sends and records, and earlier times. The world's seed is given, not drawn: shrinking leaves it, and with it
 * every latency, as it was.
 *
 * @param seed the world's seed of every scenario
 */
export function scenarioArbitrary(options: ExploreOptions = {}, seed = '0-0'): fc.Arbitrary<Scenario> {
  const appending = appendArbitrary(options, seed)
  switch (options.workload) {
    case 'group':
      return withGroups(appending, options)
    case 'keyed':
      return withKeys(withGroups(appending, options), options)
    case 'redeploy':
      return withRedeploys(withGroups(appending, options), options)
    case 'admin-churn':
      return withChurn(appending, options)
    default:
      return appending
  }
}

function appendArbitrary(options: ExploreOptions, seed: string): fc.Arbitrary<Scenario> {
  return fc
    .record({
      cluster: clusterArbitrary(options),
      faults: faultsArbitrary(options.faults ?? defaultFaults(options)),
      producers: producersArbitrary(options),
      flushed: fc.boolean(),
      limits: producerLimits,
      leaderOnly: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
      schedule: fc.constantFrom(...SCHEDULE_NAMES),
    })
    .map(({ cluster: drawn, faults: planned, producers: writing, flushed, limits, leaderOnly, schedule }) => {
      const faults = fittingFaults(planned, drawn, hasGroups(options.workload))
      const cluster = flushed && canLosePower(faults) ? withEveryRecordFlushed(drawn, options) : drawn
      const replicated = cluster.topic.replicationFactor > 1
      const waiting = replicated && !leaderOnly && options.acks === undefined ? writing.map(ofAllReplicas) : writing
      const isFilled = faults.some(({ kind }) => kind === 'full-producer-buffer')
      const producers = isFilled ? waiting.map(producer => limited(producer, limits)) : waiting
      const workload = { kind: 'append', producers } as const
      const guarantees = promisedGuarantees({ cluster, workload, faults }, options)
      return { format: 2, seed, schedule, cluster, workload, faults, guarantees }
    })
}

/** A burst does not fill 32 MiB, and nobody waits a minute for room: the limits of clients that have them are drawn lower. */
const producerLimits = fc.record({
  bufferMemory: fc.constantFrom(32_768, 65_536, 131_072),
  maxBlockMs: fc.constantFrom(500, 3000, 60_000),
})

function limited(producer: ProducerSpec, limits: Pick<ProducerSpec, 'bufferMemory' | 'maxBlockMs'>): ProducerSpec {
  return producer.client === 'java-semantics' ? { ...producer, ...limits } : producer
}

/** One producer that waits for the leader only is enough for nothing to be promised about the records of any. */
function ofAllReplicas(producer: ProducerSpec): ProducerSpec {
  return producer.acks === 1 ? { ...producer, acks: -1 } : producer
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
