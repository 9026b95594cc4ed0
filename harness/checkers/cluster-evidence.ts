/** A batch as it lies in a segment of a stopped node. */
export interface StoredBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  /** The leader's epoch when it was appended: `partitionLeaderEpoch` of the header. */
  readonly epoch: number
  /** CRC-32 of all its bytes as they lie on disk, header included: two copies of a batch have the same. */
  readonly crc: number
  /** Whether Kafka's own checksum, in the header, agrees with the bytes. */
  readonly sound: boolean
  /** A batch of control records: a leader change in the metadata, a transaction's marker. */
  readonly control: boolean
  /** -1 without idempotence, as the two after it. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
}

export interface EpochStart {
  readonly epoch: number
  readonly startOffset: number
}

/** A replica of a partition of the topic, as it lies on its node's disk after everything was shut down. */
export interface ReplicaEvidence {
  /** Node id. */
  readonly node: number
  readonly partition: number
  /** Base offset of the first segment. The replica's log may start later, within it. */
  readonly startOffset: number
  /** The offset after the last sound batch. */
  readonly endOffset: number
  /** What the broker said its high watermark was, just before it was shut down; undefined when it did not lead or follow. */
  readonly highWatermark: number | undefined
  /** `leader-epoch-checkpoint`, by epoch. */
  readonly epochs: readonly EpochStart[]
  /** In the order of the files. */
  readonly batches: readonly StoredBatch[]
}

/** A partition as the active controller had it after settling. */
export interface PartitionEvidence {
  readonly partition: number
  /** -1: none. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly eligible: readonly number[]
}

/** A partition after one record of the committed metadata had changed it. */
export interface PartitionChange {
  /** The record's offset in the metadata log. */
  readonly offset: number
  readonly partition: number
  /** -1: none. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly eligible: readonly number[]
  /** Who led last, while nobody is in sync or eligible. */
  readonly lastKnownLeader: number | undefined
  /** The leader was elected without being in sync, and has not gone on from there yet. */
  readonly recovering: boolean
  readonly reassigning: boolean
}

/** What the committed metadata said at one time: a partition was led by a broker that was fenced or not registered. */
export interface FencedLeader {
  /** Of the last record of the batch, in the metadata log. */
  readonly offset: number
  readonly partition: number
  readonly leader: number
}

/**
 * What the committed metadata said when a new process of a broker was registered although the one before had ended uncleanly: the
 * broker, whose log may lack what it had, was in sync or eligible still.
 */
export interface UncleanReturn {
  /** Of the last record of the batch, in the metadata log. */
  readonly offset: number
  readonly partition: number
  readonly broker: number
}

/** A node's copy of the metadata log, after everything was shut down, and what the node had made of it. */
export interface MetadataLogEvidence {
  readonly node: number
  readonly voter: boolean
  /** Base offset of the first segment: what is before it is in a snapshot. */
  readonly startOffset: number
  readonly endOffset: number
  /** The most that this node ever took for committed, over all its incarnations; undefined when it never knew. */
  readonly highWatermark: number | undefined
  readonly batches: readonly StoredBatch[]
  /**
   * The metadata image of the node's broker or controller after settling, in a canonical text: nodes with the same
   * `image.offset` have replayed the same and must have the same text. Undefined when it has none.
   */
  readonly image: { readonly offset: number; readonly text: string } | undefined
}

/** What every observed event has. */
interface Observed {
  /** Virtual ms. */
  readonly ms: number
  /** Node id. */
  readonly node: number
  /** Counts the starts of the node's process: 1 is the first. */
  readonly incarnation: number
}

/** A replica of the topic on a broker; `partition` is of the topic. */
export type ReplicaEvent = Observed & {
  readonly partition: number
} /** `highWatermark`: what it knew to be committed, and begins with. */ & (
    | {
        readonly kind: 'became-leader'
        readonly epoch: number
        readonly endOffset: number
        readonly highWatermark: number
      }
    /** `leader` is -1 while nobody leads. */
    | {
        readonly kind: 'became-follower'
        readonly epoch: number
        readonly leader: number
        readonly endOffset: number
      }
    /** What is about to be `deleted`, if the process does not end before. */
    | { readonly kind: 'deleting' }
    /** It is not assigned to this broker any more, and its log is gone. */
    | { readonly kind: 'deleted' }
    | {
        readonly kind: 'leader-append' | 'follower-append'
        /** Of the leader, as the replica knew it when it appended. */
        readonly epoch: number
        readonly baseOffset: number
        readonly lastOffset: number
      }
    /** `highWatermark`: the replica's own, when it cut its log. */
    /** What is about to be `truncated`, if the process does not end before. */
    | { readonly kind: 'truncating'; readonly toOffset: number; readonly highWatermark: number }
    | { readonly kind: 'truncated'; readonly toOffset: number; readonly highWatermark: number }
    | { readonly kind: 'high-watermark'; readonly highWatermark: number; readonly isLeader: boolean }
    | { readonly kind: 'isr-proposed'; readonly isr: readonly number[] }
    | { readonly kind: 'isr-committed'; readonly isr: readonly number[]; readonly partitionEpoch: number }
  )

/** A node's part in the metadata quorum. */
export type QuorumEvent = Observed &
  (
    | { readonly kind: 'quorum-leader'; readonly epoch: number; readonly endOffset: number }
    | { readonly kind: 'quorum-resigned'; readonly epoch: number }
    | { readonly kind: 'vote-granted'; readonly epoch: number; readonly candidate: number }
    | { readonly kind: 'quorum-high-watermark'; readonly highWatermark: number; readonly isLeader: boolean }
    /** `epoch`: in which the record was written that stood at `toOffset`. */
    | {
        readonly kind: 'quorum-truncated'
        readonly toOffset: number
        readonly highWatermark: number | undefined
        readonly epoch: number
      }
  )

/** A node's process or machine. */
export type NodeEvent = Observed &
  (
    | { readonly kind: 'started' }
    | {
        readonly kind: 'stopped'
        readonly how: 'kill' | 'power-loss' | 'shutdown' | 'halted' | 'crashed'
        /** The epoch under which its broker was registered, if it ended without having been asked to stop. */
        readonly uncleanBrokerEpoch?: number
      }
  )

export type ObservedEvent = ReplicaEvent | QuorumEvent | NodeEvent

/** What nodes did, in the order in which it happened. */
export interface Observations {
  readonly events: readonly ObservedEvent[]
  /** Later events that were left out because there were too many; 0 in all but very long trials. */
  readonly dropped: number
}

/** What a fault did to a disk: more than Kafka promises to survive with one copy. */
export interface DiskDamage {
  readonly ms: number
  readonly node: number
  readonly kind: 'power-loss' | 'wipe-disk' | 'bit-rot' | 'fsync-error'
  /** The file that was hit, where it was one. */
  readonly file?: string
}

/** Whether the cluster came back to full strength after all faults had ended. */
export interface ClusterRecovery {
  readonly recovered: boolean
  /** How long it took, or was waited for, virtual ms. */
  readonly tookMs: number
  /** What was still missing at the end of the wait, a sentence each. */
  readonly missing: readonly string[]
}
