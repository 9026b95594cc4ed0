import type { CommitPolicy, ConsumerClientName, GroupSpec, SinkName } from '../trial/group-spec.ts'
import {
  type ClientName,
  type ClusterSpec,
  FAULT_NAMES,
  type FaultName,
  type GuaranteeName,
  type PartitionerName,
  type RoleLayout,
  type Scenario,
} from '../trial/scenario.ts'
import { sendsByKey } from './keys.ts'
import { promisedGuarantees } from './promised-guarantees.ts'

export const WORKLOAD_NAMES = ['append', 'group', 'keyed', 'redeploy', 'admin-churn'] as const
/**
 * `append`: producers write, afterwards the log is read. `group`: consumer groups read meanwhile. `keyed`: as `group`, and
 * producers send by key. `redeploy`: the members of one group are replaced one after the other, again and again.
 * `admin-churn`: as `append`, and topics are created, changed, written to and deleted meanwhile.
 */
export type WorkloadName = (typeof WORKLOAD_NAMES)[number]

/** What explore may generate. What is absent is drawn by the seed. */
export interface ExploreOptions {
  /** Default `append`. */
  readonly workload?: WorkloadName
  /** Of producers that send by key. */
  readonly partitioner?: PartitionerName
  /** The client of groups. */
  readonly consumer?: ConsumerClientName
  /** When groups commit. */
  readonly commit?: CommitPolicy
  /** What the effects of groups go to. */
  readonly sink?: SinkName
  /** What else groups must be: a counterexample shows nothing of a configuration that it has not. */
  readonly group?: Partial<Omit<GroupSpec, 'members'>>
  readonly client?: ClientName
  /** Kinds of faults to draw from; default `defaultFaults`. */
  readonly faults?: readonly FaultName[]
  /** Configuration by Kafka's keys, on top of what is drawn: `server.properties` keys, or topic-level ones. */
  readonly set?: Readonly<Record<string, string>>
  /** Guarantees to judge in addition to those the configuration promises. */
  readonly require?: readonly GuaranteeName[]
  readonly acks?: -1 | 0 | 1
  readonly idempotent?: boolean
  readonly maxInFlight?: number
  readonly retries?: number
  readonly sequential?: boolean
  readonly renewAfterError?: boolean
  /** Number of brokers, of controllers, and whether these are brokers too. */
  readonly brokers?: number
  readonly controllers?: ClusterSpec['controllers']
  readonly roles?: RoleLayout
  /** Of the topic. */
  readonly replicationFactor?: number
  /** Levels of features of the cluster, by Kafka's names. */
  readonly features?: Readonly<Record<string, number>>
}

/** Faults of applications themselves: drawn by default where groups consume. */
const OF_APPLICATIONS: ReadonlySet<FaultName> = new Set(['pause-client', 'kill-client', 'zombie'])

/** Faults that let producers send more than is planned, which groups with slow handlers would be long busy with. */
const OF_PRODUCERS: ReadonlySet<FaultName> = new Set(['full-producer-buffer'])

/**
 * Every kind of fault but those of applications. With Kafka's default flush settings a single broker loses acknowledged records when its machine
 * loses power (`log.flush.interval.messages` is "never"; Kafka relies on replication): that counts as a loss only when
 * `power-loss` is asked for by name (`promisedGuarantees`).
 */
export const DEFAULT_FAULTS: readonly FaultName[] = FAULT_NAMES.filter(name => !OF_APPLICATIONS.has(name))

/** What faults are drawn from when none are asked for: redeploys alone are told apart from what else may happen. */
export function defaultFaults({ workload }: Pick<ExploreOptions, 'workload'>): readonly FaultName[] {
  if (workload === 'redeploy') return []
  return hasGroups(workload) ? FAULT_NAMES.filter(name => !OF_PRODUCERS.has(name)) : DEFAULT_FAULTS
}

/** Whether consumer groups belong to a workload. */
export function hasGroups(workload: WorkloadName | undefined): boolean {
  return workload === 'group' || workload === 'keyed' || workload === 'redeploy'
}

/**
 * Whether a scenario still is what the options ask for. A shrunk one must be: a loss under power-loss with
 * `log.flush.interval.messages=1` is another finding than one without that setting. Nor may it judge what is no longer
 * promised.
 */
export function respects(options: ExploreOptions, scenario: Scenario): boolean {
  const { cluster, workload, guarantees } = scenario
  const { set = {}, client, acks, idempotent, maxInFlight, retries, sequential, renewAfterError } = options
  const { brokers, controllers, roles, replicationFactor, features = {}, partitioner } = options
  const isSet = ([key, value]: [string, string]): boolean =>
    cluster.config[key] === value || cluster.topic.config[key] === value
  const groups = workload.groups ?? []
  const promised = new Set<GuaranteeName>(['no-unexplained-loss', ...promisedGuarantees(scenario, options)])
  return (
    guarantees.every(name => promised.has(name)) &&
    Object.entries(set).every(isSet) &&
    (brokers ?? cluster.brokers) === cluster.brokers &&
    (controllers ?? cluster.controllers) === cluster.controllers &&
    (roles ?? cluster.roles) === cluster.roles &&
    (replicationFactor ?? cluster.topic.replicationFactor) === cluster.topic.replicationFactor &&
    Object.entries(features).every(([name, level]) => cluster.features?.[name] === level) &&
    hasGroups(options.workload) === groups.length > 0 &&
    (options.workload === 'keyed') === sendsByKey(workload) &&
    (options.workload === 'admin-churn') === (workload.churn !== undefined) &&
    groups.every(
      spec =>
        (options.consumer ?? spec.client) === spec.client &&
        (options.commit ?? spec.commit) === spec.commit &&
        (options.sink ?? spec.sink) === spec.sink &&
        isOf(spec, options.group),
    ) &&
    workload.producers.every(
      spec =>
        (client ?? spec.client) === spec.client &&
        (acks ?? spec.acks) === spec.acks &&
        (idempotent ?? spec.idempotent) === spec.idempotent &&
        (maxInFlight ?? spec.maxInFlight) === spec.maxInFlight &&
        (retries ?? spec.retries) === spec.retries &&
        (sequential ?? spec.sequential) === spec.sequential &&
        (renewAfterError ?? spec.renewAfterError) === spec.renewAfterError &&
        (partitioner ?? spec.partitioner) === spec.partitioner,
    )
  )
}

function isOf(spec: GroupSpec, group: ExploreOptions['group'] = {}): boolean {
  return Object.entries(group).every(([key, value]) => spec[key as keyof typeof group] === value)
}
