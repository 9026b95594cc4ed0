import type { DiskOperation } from '../world/disk.ts'
import type { ScheduleName } from '../world/schedule.ts'

/**
 * Everything a trial is given, as plain JSON: nothing is drawn on the way except by labelled streams of `seed`, so
 * removing one fault leaves all other draws as they were.
 */
export interface Scenario {
  /** Version of this shape. */
  readonly format: 1
  /** Decides latencies, interleavings, what a power loss leaves, and what clients draw. */
  readonly seed: string
  readonly schedule: ScheduleName
  readonly cluster: ClusterSpec
  readonly workload: AppendWorkload
  readonly faults: readonly Fault[]
  /** The guarantees to judge. */
  readonly guarantees: readonly GuaranteeName[]
}

export interface ClusterSpec {
  /** Number of brokers. */
  readonly brokers: 1
  /** `server.properties`, by Kafka's keys; what is absent has Kafka's default. */
  readonly config: Readonly<Record<string, string>>
  readonly topic: {
    readonly name: string
    readonly partitions: number
    /** Topic configuration, by Kafka's keys. */
    readonly config: Readonly<Record<string, string>>
  }
}

/** Producers write identified records; afterwards the log is read to its tail. */
export interface AppendWorkload {
  readonly kind: 'append'
  readonly producers: readonly ProducerSpec[]
}

export const CLIENT_NAMES = ['kafkajs', 'platformatic'] as const
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
  readonly sends: readonly SendSpec[]
}

export interface SendSpec {
  /** When the application calls `send`, virtual ms after the start of chaos (a sequential producer may be later). */
  readonly atMs: number
  /** Partition of the topic; taken modulo the number of partitions. */
  readonly partition: number
  /** Records in this one call, ≥ 1. */
  readonly records: number
  /** Size of each record's value in bytes, at least what its identity needs. */
  readonly bytes: number
}

/** When a fault begins. */
export type Trigger =
  | { readonly ms: number }
  /**
   * When the nth request of an API has been handled by the broker (1 is the first of the trial). `lose-response` and
   * `delay-response` take the nth answer; requests with acks=0 have none.
   */
  | { readonly request: string; readonly nth: number }
  /** In the middle of the nth operation of a kind on the broker's disk (1 is the first of chaos). */
  | { readonly disk: DiskOperation; readonly nth: number }
  /** When a probe fires for the first time. */
  | { readonly probe: string }

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
  'full-request-queue',
  'full-connection-queue',
  'full-send-buffer',
  'slow-disk',
  'full-disk',
] as const
export type FaultName = (typeof FAULT_NAMES)[number]

export const GUARANTEE_NAMES = [
  /** Every acknowledged record (acks ≠ 0) is in the log. */
  'no-loss',
  /** What an acknowledged record is missing for is a power loss after its acknowledgement; weaker than `no-loss`. */
  'no-unexplained-loss',
  /** Nothing is in the log that was never sent, or whose send definitely failed. */
  'no-phantoms',
  /** No record is in the log twice. */
  'no-duplicates',
  /** First copies of acknowledged records of one producer and partition stand in the order in which they were sent. */
  'order',
  /** Offsets are dense; an acknowledged offset holds the record it was acknowledged for. */
  'stable-offsets',
  /** What lies on disk is a well-formed Kafka log. */
  'well-formed-log',
  /** Every send settles, exactly once. */
  'every-send-settles',
  /** Queues stay within their bounds, push back when full, and lose nothing. */
  'bounded-queues',
  /** After healing, every application gets a further record through in bounded time, if need be with a fresh client. */
  'recovers',
  /** After healing, every producer gets a further record through with the client it has. */
  'client-recovers',
  /** An idle client does not burn timers. */
  'no-busy-timers',
  /** A client whose request timed out does not go on using the connection that never answered. */
  'drops-dead-connections',
] as const
export type GuaranteeName = (typeof GUARANTEE_NAMES)[number]
