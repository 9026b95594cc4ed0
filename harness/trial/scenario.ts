import type { DiskOperation } from '../world/disk.ts'
import type { ScheduleName } from '../world/schedule.ts'
import type { ChurnOperation } from './churn-spec.ts'
import type { GroupSpec } from './group-spec.ts'

/**
 * Everything a trial is given, as plain JSON: nothing is drawn on the way except by labelled streams of `seed`, so
 * removing one fault leaves all other draws as they were.
 */
export interface Scenario {
  /** Version of this shape: 4 since there are sends by key and administration, 3 since there are groups, 2 without. */
  readonly format: (typeof SCENARIO_FORMATS)[number]
  /** Decides latencies, interleavings, what a power loss leaves, and what clients draw. */
  readonly seed: string
  readonly schedule: ScheduleName
  readonly cluster: ClusterSpec
  readonly workload: AppendWorkload
  readonly faults: readonly Fault[]
  /** The guarantees to judge. */
  readonly guarantees: readonly GuaranteeName[]
}

export const SCENARIO_FORMATS = [2, 3, 4] as const

export const ROLE_LAYOUTS = ['combined', 'separate'] as const
export type RoleLayout = (typeof ROLE_LAYOUTS)[number]
export const MAX_BROKERS = 9

export interface ClusterSpec {
  /** Number of brokers, 1 to `MAX_BROKERS`. */
  readonly brokers: number
  /** Number of controllers: the voters of the metadata quorum. */
  readonly controllers: 1 | 3 | 5
  /**
   * `combined`: nodes 1 up, of which the first `brokers` are brokers and the first `controllers` controllers. `separate`:
   * brokers are nodes 1 up, controllers nodes 101 up, each on a machine of its own.
   */
  readonly roles: RoleLayout
  /** `server.properties`, by Kafka's keys; what is absent has Kafka's default. */
  readonly config: Readonly<Record<string, string>>
  /** Levels of features with which the cluster is formatted, by Kafka's names; what is absent has the level of a new cluster. */
  readonly features?: Readonly<Record<string, number>>
  readonly topic: {
    readonly name: string
    readonly partitions: number
    /** At most as many as there are brokers. */
    readonly replicationFactor: number
    /** Topic configuration, by Kafka's keys. */
    readonly config: Readonly<Record<string, string>>
  }
}

/** Producers write identified records, which groups read meanwhile; afterwards the log is read to its tail. */
export interface AppendWorkload {
  readonly kind: 'append'
  readonly producers: readonly ProducerSpec[]
  /** Not before format 3; absent when nobody consumes. */
  readonly groups?: readonly GroupSpec[]
  /** Not before format 4; absent when nobody administers. What is asked of one topic is asked in the order of the times. */
  readonly churn?: readonly ChurnOperation[]
}

export const CLIENT_NAMES = ['kafkajs', 'platformatic', 'java-semantics'] as const
/** Clients that are drawn when nobody asks for one: those of others, which people use. */
export const THIRD_PARTY_CLIENT_NAMES = ['kafkajs', 'platformatic'] as const
export type ClientName = (typeof CLIENT_NAMES)[number]
export const COMPRESSION_NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type CompressionName = (typeof COMPRESSION_NAMES)[number]

export interface ProducerSpec {
  readonly client: ClientName
  readonly acks: -1 | 0 | 1
  readonly idempotent: boolean
  /** Requests in flight on one connection; null is the client's own default. */
  readonly maxInFlight: number | null
  /** Retries of the client for one send. */
  readonly retries: number
  readonly requestTimeoutMs: number
  readonly compression: CompressionName
  /** The application awaits each send before the next; otherwise sends overlap. */
  readonly sequential: boolean
  /**
   * After a send ended with an error the application goes on with a new client. An idempotent KafkaJS producer has to be
   * used so: it gives the sequence numbers of a send that it gave up to the next one, which the broker then takes for a
   * repetition and does not store.
   */
  readonly renewAfterError: boolean
  /** `buffer.memory` in bytes and `max.block.ms`, of java-semantics only; absent: Kafka's defaults. */
  readonly bufferMemory?: number
  readonly maxBlockMs?: number
  /** Of sends by key, not before format 4; absent: the client's own. */
  readonly partitioner?: PartitionerName
  readonly sends: readonly SendSpec[]
}

export const PARTITIONER_NAMES = ['own', 'java'] as const
/**
 * How a client chooses the partition of a key: as it does by itself, or as the Java client does (murmur2 of the key without its
 * sign, modulo). KafkaJS 2 and the Java client's semantics do so by themselves; platformatic has both, and by itself takes the
 * sign for a bit of the number, so that half of all keys go elsewhere unless the number of partitions is a power of two.
 */
export type PartitionerName = (typeof PARTITIONER_NAMES)[number]

/** To a partition that the application names, or by key (not before format 4): then the client chooses the partition. */
export type SendSpec = SendSize & (ToPartition | ByKey)

export interface ToPartition {
  /** Partition of the topic; taken modulo the number of partitions. */
  readonly partition: number
}

export interface ByKey {
  /** All records of the send have the key `k<key>`. */
  readonly key: number
}

interface SendSize {
  /** When the application calls `send`, virtual ms after the start of chaos (a sequential producer may be later). */
  readonly atMs: number
  /** Records in this one call, ≥ 1. */
  readonly records: number
  /** Size of each record's value in bytes, at least what its identity needs. */
  readonly bytes: number
}

/** When a fault begins. */
export type Trigger =
  | { readonly ms: number }
  /**
   * When the nth request of an API has been handled by the node that the fault is `on` (1 is the first of chaos).
   * `lose-response`, `delay-response` and `lose-alter-partition` take the nth answer; requests with acks=0 have none.
   * `error-response` takes the nth request that can have its answer, if it is of that API.
   */
  | { readonly request: string; readonly nth: number }
  | DiskTrigger
  /** When a probe fires for the nth time of the trial; default: the first. */
  | { readonly probe: string; readonly nth?: number }

/** In the middle of the nth operation of a kind on the disk of the node that the fault is `on` (1 is the first of chaos). */
export interface DiskTrigger {
  readonly disk: DiskOperation
  /** Only operations count whose path has this in it: `records-0/`. */
  readonly file?: string
  readonly nth: number
}

/**
 * Which node a fault hits, decided when it begins. A number: the broker in that place (from 0), modulo how many there are.
 * `leader` and `follower`: of the topic's partition `pick` (modulo). `controller`: the active one, `voter`:
 * another one, by `pick`.
 */
export type NodeTarget = number | NodeRole

export const NODE_ROLES = ['leader', 'follower', 'controller', 'voter'] as const
export type NodeRole = (typeof NODE_ROLES)[number]

export const PARTITION_SHAPES = ['two-way', 'one-way-in', 'one-way-out', 'isolate-one', 'majority-ring'] as const
/**
 * How a network partition cuts: `two-way` splits the target and its successors from the rest, `isolate-one` cuts the target
 * from everybody including clients, `one-way-in`/`one-way-out` let only what the target sends/receives through,
 * `majority-ring` lets every node see a majority, no two the same.
 */
export type PartitionShape = (typeof PARTITION_SHAPES)[number]

/**
 * Errors that `error-response` answers with: the API, Kafka's name of the error, and whether the request was carried out
 * nevertheless. `harness/faults/error-answers.ts` says of each where it comes from in Kafka.
 */
export const ERROR_ANSWER_NAMES = [
  'Produce NOT_LEADER_OR_FOLLOWER',
  'Produce NOT_LEADER_OR_FOLLOWER after append',
  'Produce NOT_ENOUGH_REPLICAS',
  'Produce NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'Produce REQUEST_TIMED_OUT after append',
  'InitProducerId COORDINATOR_LOAD_IN_PROGRESS',
  'Metadata LEADER_NOT_AVAILABLE',
  'Fetch NOT_LEADER_OR_FOLLOWER',
  'Fetch UNKNOWN_LEADER_EPOCH',
  'ListOffsets NOT_LEADER_OR_FOLLOWER',
  'FindCoordinator COORDINATOR_NOT_AVAILABLE',
  'JoinGroup COORDINATOR_LOAD_IN_PROGRESS',
  'JoinGroup NOT_COORDINATOR',
  'Heartbeat NOT_COORDINATOR',
  'ConsumerGroupHeartbeat COORDINATOR_LOAD_IN_PROGRESS',
  'ConsumerGroupHeartbeat NOT_COORDINATOR',
  'OffsetFetch COORDINATOR_LOAD_IN_PROGRESS',
  'OffsetFetch NOT_COORDINATOR',
  'OffsetCommit COORDINATOR_LOAD_IN_PROGRESS',
  'OffsetCommit NOT_COORDINATOR',
  'OffsetCommit NOT_COORDINATOR after commit',
  'OffsetCommit COORDINATOR_NOT_AVAILABLE after commit',
] as const
export type ErrorAnswerName = (typeof ERROR_ANSWER_NAMES)[number]

/** A fault of the plan: what, when, for how long, and its own parameters (see the catalogue in `harness/faults/`). */
export interface Fault {
  readonly kind: FaultName
  readonly at: Trigger
  /** How long until it heals, virtual ms. Faults that are over at once have 0. */
  readonly forMs: number
  /** Which connection, client or thread: taken modulo how many there are. */
  readonly pick?: number
  /** The fault's strength, in the unit its catalogue entry names. */
  readonly amount?: number
  /** Default: the first broker. */
  readonly on?: NodeTarget
  /** `power-loss`, `kill`: how many nodes at once, the target and its successors; default 1. */
  readonly nodes?: number
  /** `partition`; default `two-way`. */
  readonly shape?: PartitionShape
  /** `error-response`; default the first of them. */
  readonly error?: ErrorAnswerName
}

export const FAULT_NAMES = [
  'disconnect',
  'half-close',
  'blackhole',
  'refuse',
  'slow-link',
  'fragment',
  'stall-reader',
  'kill',
  'power-loss',
  'restart',
  'pause',
  'slow-cpu',
  'clock-jump',
  'lose-response',
  'delay-response',
  'error-response',
  'full-request-queue',
  'full-connection-queue',
  'full-send-buffer',
  'full-producer-buffer',
  'slow-disk',
  'full-disk',
  'partition',
  'controller-partition',
  'crash-leader',
  'move-leader',
  'reassign',
  'controlled-shutdown',
  'rolling-restart',
  'lose-alter-partition',
  'clock-drift',
  'fsync-error',
  'bit-rot',
  'wipe-disk',
  'pause-client',
  'kill-client',
  'zombie',
] as const
export type FaultName = (typeof FAULT_NAMES)[number]

export const GUARANTEE_NAMES = [
  /** Every acknowledged record (acks ≠ 0) is in the log. */
  'no-loss',
  /** Every record whose send the client called done is in the log, with acks=0 too, for which Kafka promises nothing. */
  'no-silent-loss',
  /** What an acknowledged record is missing for is a power loss after its acknowledgement; weaker than `no-loss`. */
  'no-unexplained-loss',
  /** Nothing is in the log that was never sent, or whose send definitely failed. */
  'no-phantoms',
  /** No record is in the log twice. */
  'no-duplicates',
  /** First copies of acknowledged records of one producer and partition stand in the order in which they were sent. */
  'order',
  /** All records of a key are in one partition, which is where the Java client has it if the producers' partitioners say so. */
  'one-partition-per-key',
  /** Offsets are dense; an acknowledged offset holds the record it was acknowledged for. */
  'stable-offsets',
  /** The same offset and epoch hold the same bytes on all replicas, in the logs of the topic and of the metadata. */
  'replicas-agree',
  /** No replica cuts its log below its high watermark, none shows what later disappears; high watermarks of a leader never fall. */
  'committed-stays',
  /** What is committed is on every in-sync replica, of which there are enough, and acks=all waits for it. */
  'acks-all-means-replicated',
  /** What a replica showed a consumer was committed, and is there in the end. */
  'reads-stay',
  /** Who was elected was in sync or eligible, unless unclean elections are allowed. */
  'clean-elections',
  /** One leader an epoch, of partitions and of the quorum; nobody appends in an epoch in which it does not lead. */
  'one-leader-per-epoch',
  /** Committed metadata is never lost, and all nodes replay the same. */
  'metadata-stays',
  /** What lies on disk is a well-formed Kafka log. */
  'well-formed-log',
  /** Every send settles, exactly once. */
  'every-send-settles',
  /** Queues stay within their bounds, push back when full, and lose nothing. */
  'bounded-queues',
  /** After healing, every partition has a leader and all replicas are in sync again, in bounded time. */
  'cluster-recovers',
  /** After healing, every application gets a further record through in bounded time, if need be with a fresh client. */
  'recovers',
  /** After healing, every producer gets a further record through with the client it has. */
  'client-recovers',
  /** An idle client does not burn timers. */
  'no-busy-timers',
  /** A client whose request timed out does not go on using the connection that never answered. */
  'drops-dead-connections',
  /** What a group has committed it has processed, every record at least once. */
  'at-least-once',
  /** A group processes no record twice. */
  'at-most-once',
  /** The sink of a group holds the effect of every committed record exactly once. */
  'effectively-once',
  /** A group's sink has the records of a key that one producer sent in the order in which they were sent, but for repetitions. */
  'key-order',
  /** In a generation of a group a partition has one owner. */
  'one-owner',
  /** A member is given records of the partitions that it owns, and of no others. */
  'only-owned-records',
  /** A group that commits after processing never commits beyond it. */
  'commits-not-beyond-processed',
  /** A successful commit is what is committed in the end. */
  'commits-stay',
  /** A commit by a member of an older generation is refused. */
  'fenced-commits-refused',
  /** Within one assignment a member is given a partition's records in their order, none left out. */
  'group-order',
  /** A member begins to read a partition where the group's last commit says. */
  'rereads-from-commit',
  /** After healing, every partition gets an owner and every record is committed, in bounded time. */
  'group-converges',
  /** Every commit settles, exactly once. */
  'every-commit-settles',
  /** A consumer that was closed leaves neither connections nor timers. */
  'leaves-nothing',
  /** Everything that is asked of the admin client settles, exactly once. */
  'every-admin-call-settles',
  /** Topics that are created, changed and deleted are as the controller has acknowledged. */
  'topics-as-told',
  /** Nothing of deleted topics, and of replicas that were moved away, is left on a disk. */
  'deleted-is-gone',
  /** Acknowledged records of topics that are created, changed and deleted are there as long as their topic. */
  'churned-records-stay',
] as const
export type GuaranteeName = (typeof GUARANTEE_NAMES)[number]
