import type { Runtime } from '../../../src/runtime/runtime.ts'
import type { RecordId } from '../../history/history.ts'
import type { GroupSpec } from '../../trial/group-spec.ts'

/** A record as a client hands it over. */
export interface ConsumedRecord {
  readonly partition: number
  readonly offset: number
  /** The identity that the workload gave it: `identityOf` its key and value. */
  readonly id: RecordId
}

/** A partition of the topic and the first of its offsets that is not done. */
export interface PartitionOffset {
  readonly partition: number
  readonly offset: number
}

/** What the group gave a member. */
export interface Assignment {
  readonly generation: number
  /** What the coordinator calls the member. */
  readonly memberId: string
  /** Of the topic, all that it owns from now on, in order. */
  readonly partitions: readonly number[]
}

/** What a client tells the application that uses it. */
export interface ConsumerListener {
  assigned(assignment: Assignment): void
  /** It no longer owns what it owned: it rejoins, or has left. */
  revoked(): void
  /** Handles one record; the client waits for it. Rejects when the record could not be handled: its client decides what next. */
  handle(record: ConsumedRecord): Promise<void>
  /** The client itself has committed; the generation if it tells. */
  committed(offsets: readonly PartitionOffset[], generation: number | undefined): void
  /** The client has ended by itself and will not go on. Called at most once. */
  gaveUp(error: unknown): void
  /** Warnings and errors of the client, for the story. */
  log(line: string): void
}

/** What the group workload needs of a third-party consumer, with the client itself unmodified behind it. */
export interface ConsumerClient {
  /** Joins the group and consumes until it is closed or gives up. Rejects when it cannot begin; a fresh client is needed then. */
  start(): Promise<void>
  /** One commit by the client's own means, of a record that it has handed over: everything below the next offset is done. */
  commit(record: ConsumedRecord): Promise<void>
  /** Leaves the group; resolves when the client is done. */
  close(): Promise<void>
  /** Kafka's name of the error that a broker answered with, if one did. */
  brokerErrorOf(error: unknown): string | undefined
  /** Whether an error of `commit` certainly means that nothing was committed. */
  isDefiniteRefusal(error: unknown): boolean
}

export interface ConsumerOptions {
  /** The application's process: what this package's own clients run on. */
  readonly runtime: Runtime
  readonly clientId: string
  readonly groupId: string
  /** `host:port` of each broker. */
  readonly bootstrap: readonly string[]
  readonly topic: string
  readonly spec: GroupSpec
  /** `group.instance.id`; null for a dynamic member. */
  readonly instanceId: string | null
  readonly listener: ConsumerListener
}

/** Errors with which a coordinator refuses a commit before it writes anything. */
export const COMMIT_REFUSALS: ReadonlySet<string> = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'FENCED_INSTANCE_ID',
  'STALE_MEMBER_EPOCH',
  'REBALANCE_IN_PROGRESS',
  'INVALID_GROUP_ID',
  'GROUP_ID_NOT_FOUND',
  'OFFSET_METADATA_TOO_LARGE',
])
