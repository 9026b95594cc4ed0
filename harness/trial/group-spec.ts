/** Libraries of others whose consumers a group can be made of: what scenarios are drawn for. */
export const THIRD_PARTY_CONSUMER_NAMES = ['kafkajs', 'platformatic'] as const

/** All whose consumers a group can be made of. */
export const CONSUMER_CLIENT_NAMES = [...THIRD_PARTY_CONSUMER_NAMES, 'java-semantics'] as const
export type ConsumerClientName = (typeof CONSUMER_CLIENT_NAMES)[number]

export const COMMIT_POLICIES = ['before', 'after', 'auto'] as const
/**
 * When a member commits a record's offset: itself, `before` it processes the record or `after` it, awaited either way, or
 * not at all, because its client does (`auto`).
 */
export type CommitPolicy = (typeof COMMIT_POLICIES)[number]

export const SINK_NAMES = ['none', 'idempotent'] as const
/**
 * The external store that takes what processing a record comes to: `none` takes each effect again, `idempotent` one that it
 * has already, told by the record's identity, no second time.
 */
export type SinkName = (typeof SINK_NAMES)[number]

export const ASSIGNOR_NAMES = ['range', 'roundrobin', 'sticky', 'cooperative-sticky'] as const
/** By Kafka's names. */
export type AssignorName = (typeof ASSIGNOR_NAMES)[number]

export const GROUP_PROTOCOLS = ['classic', 'consumer'] as const
/** `group.protocol`; `consumer` is the one of KIP-848. */
export type GroupProtocol = (typeof GROUP_PROTOCOLS)[number]

export const ISOLATION_LEVELS = ['read_uncommitted', 'read_committed'] as const
/** `isolation.level` */
export type IsolationLevelName = (typeof ISOLATION_LEVELS)[number]

/** A consumer group that reads the scenario's topic from its beginning, and what its application does with each record. */
export interface GroupSpec {
  readonly client: ConsumerClientName
  readonly protocol: GroupProtocol
  /** With the consumer protocol the coordinator assigns: `range` asks it for that assignor, all others leave it to it. */
  readonly assignor: AssignorName
  readonly commit: CommitPolicy
  /** How often a client commits by itself; null is whenever it sees fit. Of no meaning unless `commit` is `auto`. */
  readonly autoCommitIntervalMs: number | null
  /** How long an application takes for one record, virtual ms. */
  readonly handlerMs: number
  readonly sink: SinkName
  readonly sessionTimeoutMs: number
  /** Also how long a member may go without asking for more records. */
  readonly rebalanceTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** Absent: the client's own default. */
  readonly isolationLevel?: IsolationLevelName
  /** `max.poll.records`, of clients that poll; absent: what they can handle in time. */
  readonly maxPollRecords?: number
  readonly members: readonly MemberSpec[]
}

export interface MemberSpec {
  /** When it is first started, virtual ms after the start of chaos. */
  readonly startMs: number
  /** `group.instance.id`: a static member (KIP-345); null for a dynamic one. */
  readonly instanceId: string | null
  /** In order of time. One that comes while another is not over, or before the member has started, is left out. */
  readonly redeploys: readonly Redeploy[]
}

export const REDEPLOY_MEANS = ['close', 'kill'] as const

/** A planned end of a member and its new start, as a deployment does it. */
export interface Redeploy {
  /** Virtual ms after the start of chaos. */
  readonly atMs: number
  /** `close`: the application closes its consumer and exits when that is done. `kill`: its process ends at once. */
  readonly how: (typeof REDEPLOY_MEANS)[number]
  /** How long from its end until the next one starts, virtual ms. */
  readonly forMs: number
}

/**
 * `max.poll.records` of a consumer that must poll again within the rebalance timeout (`max.poll.interval.ms`): unless it is given, what
 * is handled in half of that.
 */
export function maxPollRecordsFor({ handlerMs, rebalanceTimeoutMs, maxPollRecords }: GroupSpec): number {
  if (maxPollRecords !== undefined) return maxPollRecords
  return Math.max(1, Math.min(500, Math.floor(rebalanceTimeoutMs / 2 / Math.max(1, handlerMs))))
}

/** `group.id` of a group of the scenario. */
export function groupIdOf(index: number): string {
  return `group-${index}`
}
