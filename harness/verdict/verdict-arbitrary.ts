import fc from 'fast-check'
import { TOPIC_NAME } from '../explore/cluster-arbitrary.ts'
import { feasible } from '../explore/group-scenario-arbitrary.ts'
import { promisedGuarantees } from '../explore/promised-guarantees.ts'
import { seededGenerator } from '../explore/seeded-generator.ts'
import type { GroupSpec } from '../trial/group-spec.ts'
import {
  type ClusterSpec,
  type ProducerSpec,
  type Scenario,
  type SendSpec,
  THIRD_PARTY_CLIENT_NAMES,
} from '../trial/scenario.ts'
import { faultsOf } from './client-faults.ts'
import { brokerSettings, features, topicSettings, type VerdictConfiguration } from './configuration.ts'
import type { VerdictPlan } from './plan.ts'
import { CHAOS_WINDOW_MS } from './verdict-faults.ts'
import { coordinatorArbitrary, groupArbitrary } from './verdict-groups.ts'

/** The first trials are small, so that what is easy to break is broken at once; then every fourth is. */
const SMALL_AT_FIRST = 60
const SMALL_ONE_IN = 4
const MAX_SENDS = 40
const SMALL_SENDS = 20
const MAX_PRODUCERS = 3
const MAX_PARTITIONS = 3
/** Retries without end: what both clients do by default when they are idempotent. */
const UNLIMITED_RETRIES = Number.MAX_SAFE_INTEGER
/** KafkaJS's own default. */
const DEFAULT_RETRIES = 5

/**
 * Timeouts of a cluster: shorter than Kafka's defaults, so that what takes half a minute there takes seconds here. They
 * change when a broker counts as dead or a replica as lagging, and nothing of what follows from it.
 */
const TIMEOUTS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'broker.session.timeout.ms': fc.constantFrom('2000', '3000'),
  'broker.heartbeat.interval.ms': fc.constant('400'),
  'replica.lag.time.max.ms': fc.constantFrom('1000', '2000', '3000'),
  'replica.fetch.wait.max.ms': fc.constantFrom('100', '500'),
  'replica.fetch.backoff.ms': fc.constantFrom('100', '500'),
  'replica.high.watermark.checkpoint.interval.ms': fc.constantFrom('500', '5000'),
  'controller.quorum.election.timeout.ms': fc.constantFrom('300', '1000'),
  'controller.quorum.fetch.timeout.ms': fc.constantFrom('600', '2000'),
  'controller.quorum.election.backoff.max.ms': fc.constantFrom('300', '1000'),
}

function clusterArbitrary(configuration: VerdictConfiguration, small: boolean): fc.Arbitrary<ClusterSpec> {
  const { brokers, replicationFactor } = configuration
  const quorums: fc.WeightedArbitrary<Pick<ClusterSpec, 'controllers' | 'roles'>>[] = [
    { weight: 4, arbitrary: fc.constant({ controllers: 1, roles: 'separate' }) },
    { weight: small ? 0 : 3, arbitrary: fc.constant({ controllers: 3, roles: 'separate' }) },
    { weight: small ? 0 : 1, arbitrary: fc.constant({ controllers: brokers >= 3 ? 3 : 1, roles: 'combined' }) },
  ]
  return fc
    .record({
      quorum: fc.oneof(...quorums),
      timeouts: fc.record({ ...TIMEOUTS }),
      partitions: partitionsArbitrary(configuration, small),
    })
    .map(({ quorum, timeouts, partitions }) => ({
      brokers,
      ...quorum,
      config: { ...timeouts, ...brokerSettings(configuration) },
      features: features(configuration),
      topic: { name: TOPIC_NAME, partitions, replicationFactor, config: topicSettings(configuration) },
    }))
}

/** Of a group more than one member has something to do. */
function partitionsArbitrary({ consumer }: VerdictConfiguration, small: boolean): fc.Arbitrary<number> {
  if (consumer !== undefined) return fc.constantFrom(1, 2, MAX_PARTITIONS)
  return small ? fc.constant(1) : fc.constantFrom(1, 1, 2, MAX_PARTITIONS)
}

/** Sends at a steady pace through the time of chaos, so that whatever happens, something is on its way. */
function sendsArbitrary(most: number): fc.Arbitrary<SendSpec[]> {
  return fc
    .record({
      startMs: fc.nat(500),
      everyMs: fc.oneof(fc.integer({ min: 10, max: 60 }), fc.integer({ min: 100, max: 400 })),
      records: fc.array(fc.constantFrom(1, 1, 1, 2, 3), { minLength: most, maxLength: most }),
      partition: fc.nat(MAX_PARTITIONS - 1),
      spread: fc.boolean(),
      bytes: fc.constantFrom(0, 0, 50, 1000),
    })
    .map(({ startMs, everyMs, records, partition, spread, bytes }) =>
      records
        .map((count, index) => ({
          atMs: startMs + index * everyMs,
          partition: spread ? partition + index : partition,
          records: count,
          bytes,
        }))
        .filter(({ atMs }) => atMs <= CHAOS_WINDOW_MS),
    )
}

function producerArbitrary({ producer, client }: VerdictConfiguration, most: number): fc.Arbitrary<ProducerSpec> {
  const { acks, idempotent, maxInFlight, retries, requestTimeoutMs, compression, sequential, renewAfterError } =
    producer
  return fc
    .record({
      client: client === undefined ? fc.constantFrom(...THIRD_PARTY_CLIENT_NAMES) : fc.constant(client),
      requestTimeoutMs: fc.constantFrom(1000, 3000, 10_000),
      sequential: fc.boolean(),
      sends: sendsArbitrary(most),
    })
    .map(drawn => ({
      client: drawn.client,
      acks,
      idempotent,
      maxInFlight: maxInFlight ?? null,
      retries: retries ?? (idempotent ? UNLIMITED_RETRIES : DEFAULT_RETRIES),
      requestTimeoutMs: requestTimeoutMs ?? drawn.requestTimeoutMs,
      compression: drawn.client === 'kafkajs' && compression !== 'gzip' ? 'none' : (compression ?? 'none'),
      sequential: sequential ?? drawn.sequential,
      renewAfterError: renewAfterError ?? (idempotent && drawn.client !== 'java-semantics'),
      sends: drawn.sends,
    }))
}

/** Scenarios of one configuration under its fault models, with the guarantees that every configuration promises. */
export function verdictArbitrary(plan: VerdictPlan, seed: string, small: boolean): fc.Arbitrary<Scenario> {
  const { configuration } = plan
  const { consumer } = configuration
  const producer = producerArbitrary(configuration, small ? SMALL_SENDS : MAX_SENDS)
  const scenarios = fc
    .record({
      schedule: small ? fc.constant('fifo' as const) : fc.constantFrom('fifo' as const, 'random' as const),
      cluster: clusterArbitrary(configuration, small),
      faults: faultsOf(plan, small),
      producers: fc.array(producer, { minLength: 1, maxLength: small ? 1 : MAX_PRODUCERS }),
    })
    .map(({ schedule, cluster, faults, producers }): Scenario => {
      const workload = { kind: 'append', producers } as const
      const guarantees = promisedGuarantees({ cluster, workload, faults })
      return { format: 2, seed, schedule, cluster, workload, faults, guarantees }
    })
  if (consumer === undefined) return scenarios
  return fc
    .record({
      scenario: scenarios,
      group: groupArbitrary(consumer, plan, small),
      coordinators: coordinatorArbitrary(configuration, small),
    })
    .map(({ scenario, group, coordinators }) => withGroup(scenario, group, coordinators))
}

/** The scenario, read by a group, in a cluster that is set up for it; what was asked about wins. */
function withGroup(scenario: Scenario, group: GroupSpec, coordinators: Readonly<Record<string, string>>): Scenario {
  const { cluster, workload, faults } = scenario
  const changed = {
    cluster: { ...cluster, config: { ...coordinators, ...cluster.config } },
    workload: { ...workload, groups: [feasible(group, workload.producers)] },
    faults,
  }
  return { ...scenario, ...changed, format: 3, guarantees: promisedGuarantees(changed) }
}

/** Whether the scenario of a trial is a small one. */
export function isSmall(trial: number): boolean {
  return trial < SMALL_AT_FIRST || trial % SMALL_ONE_IN === 0
}

/**
 * The scenario of a trial: always the same for the same plan and seed.
 *
 * @param trial its number in the campaign, from 0
 */
export function verdictScenario(plan: VerdictPlan, seed: string, trial: number): Scenario {
  const arbitrary = verdictArbitrary(plan, seed, isSmall(trial))
  return arbitrary.generate(new fc.Random(seededGenerator(seed)), undefined).value
}
