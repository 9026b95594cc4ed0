import type { ControllerChannel } from '../controller/controller-channel.ts'
import type { AlterPartitionRequest, AlterPartitionResponse } from '../protocol/apis/alter-partition.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { TopicIdPartition } from '../protocol/topic-partition.ts'
import type { Runtime, Timer } from '../runtime/runtime.ts'

/** After an error of a whole request, the next one waits so long (Kafka's constant). */
const RETRY_BACKOFF_MS = 50

/** A member of a proposed ISR, with the epoch under which the leader knows it; -1: not known. */
export interface IsrMember {
  readonly brokerId: number
  readonly brokerEpoch: number
}

/** What a leader asks for (Kafka's LeaderAndIsr in a request). */
export interface ProposedLeaderAndIsr {
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly isr: readonly IsrMember[]
  /** One of `LeaderRecoveryState`. */
  readonly leaderRecoveryState: number
}

/** What the controller has committed (Kafka's LeaderAndIsr in a response). */
export interface CommittedLeaderAndIsr {
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly isr: readonly number[]
  /** One of `LeaderRecoveryState`. */
  readonly leaderRecoveryState: number
}

/** The controller's answer for one partition: what is committed now, or why the proposal was not. */
export type AlterPartitionResult =
  | { readonly errorCode: 0; readonly committed: CommittedLeaderAndIsr }
  | { readonly errorCode: number; readonly committed?: undefined }

export interface AlterPartitionManagerOptions {
  readonly brokerId: number
  /** -1 before the broker was registered. */
  readonly brokerEpoch: () => number
  readonly channel: Pick<ControllerChannel, 'alterPartition'>
}

type RequestPartition = AlterPartitionRequest['topics'][number]['partitions'][number]

interface Item {
  readonly partition: TopicIdPartition
  readonly proposed: ProposedLeaderAndIsr
  readonly done: (result: AlterPartitionResult) => void
}

/**
 * Asks the controller for other ISRs (KIP-497; Kafka's AlterPartitionManager). One request is in flight at a time, with
 * everything that waits when it begins; what fails as a whole is repeated until the controller answers or `shutdown`. Memory:
 * one proposal a partition.
 */
export class AlterPartitionManager {
  readonly #runtime: Runtime
  readonly #options: AlterPartitionManagerOptions
  /** Not answered yet, those in flight included, by partition. */
  readonly #unsent = new Map<string, Item>()
  #inFlight = false
  #retry: Timer | undefined
  #closed = false

  constructor(runtime: Runtime, options: AlterPartitionManagerOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /** Proposals without an answer. */
  get pending(): number {
    return this.#unsent.size
  }

  /**
   * Proposes an ISR. `done` is called once, later or (OPERATION_NOT_ATTEMPTED, while another proposal for the partition has no
   * answer) at once; never after `shutdown`.
   */
  submit(
    partition: TopicIdPartition,
    proposed: ProposedLeaderAndIsr,
    done: (result: AlterPartitionResult) => void,
  ): void {
    const key = keyOf(partition.topicId, partition.partition)
    if (this.#unsent.has(key)) {
      done({ errorCode: ErrorCode.OPERATION_NOT_ATTEMPTED })
      return
    }
    this.#unsent.set(key, { partition, proposed, done })
    this.#maybePropagate()
  }

  /** Sends and answers nothing any more. */
  shutdown(): void {
    this.#closed = true
    this.#retry?.cancel()
    this.#unsent.clear()
  }

  #maybePropagate(): void {
    if (this.#closed || this.#inFlight || this.#retry !== undefined || this.#unsent.size === 0) return
    this.#inFlight = true
    const items = [...this.#unsent.values()]
    this.#runtime.threads.start('alter-partition', () => this.#send(items))
  }

  async #send(items: readonly Item[]): Promise<void> {
    const errorCode = await this.#request(items)
    this.#inFlight = false
    if (this.#closed) return
    if (errorCode === ErrorCode.NONE) {
      this.#maybePropagate()
      return
    }
    this.#retry = this.#runtime.timers.after(RETRY_BACKOFF_MS, () => {
      this.#retry = undefined
      this.#maybePropagate()
    })
  }

  /** Returns the error of the whole request. */
  async #request(items: readonly Item[]): Promise<number> {
    let response: AlterPartitionResponse
    try {
      response = await this.#options.channel.alterPartition(this.#buildRequest(items))
    } catch {
      // No controller, no connection, no time left: whatever it was, the answer is to ask again.
      return ErrorCode.NETWORK_EXCEPTION
    }
    if (this.#closed) return ErrorCode.NONE
    if (response.errorCode !== ErrorCode.NONE) return response.errorCode
    const results = resultsOf(response)
    for (const item of items) {
      const key = keyOf(item.partition.topicId, item.partition.partition)
      const result = results.get(key)
      // What was left out of the answer is sent again.
      if (result === undefined) continue
      // Before the answer is given, so that it can be followed by another proposal.
      this.#unsent.delete(key)
      item.done(result)
    }
    return ErrorCode.NONE
  }

  #buildRequest(items: readonly Item[]): AlterPartitionRequest {
    const topics = new Map<string, RequestPartition[]>()
    for (const { partition, proposed } of items) {
      const partitions = topics.get(partition.topicId) ?? []
      topics.set(partition.topicId, partitions)
      partitions.push({
        partitionIndex: partition.partition,
        leaderEpoch: proposed.leaderEpoch,
        newIsr: [],
        newIsrWithEpochs: proposed.isr,
        leaderRecoveryState: proposed.leaderRecoveryState,
        partitionEpoch: proposed.partitionEpoch,
      })
    }
    return {
      brokerId: this.#options.brokerId,
      brokerEpoch: this.#options.brokerEpoch(),
      topics: [...topics].map(([topicId, partitions]) => ({ topicId, partitions })),
    }
  }
}

function resultsOf({ topics }: AlterPartitionResponse): Map<string, AlterPartitionResult> {
  const results = new Map<string, AlterPartitionResult>()
  for (const { topicId, partitions } of topics) {
    for (const { partitionIndex, errorCode, ...committed } of partitions) {
      const result: AlterPartitionResult = errorCode === ErrorCode.NONE ? { errorCode: 0, committed } : { errorCode }
      results.set(keyOf(topicId, partitionIndex), result)
    }
  }
  return results
}

function keyOf(topicId: string, partition: number): string {
  return `${topicId}:${partition}`
}
