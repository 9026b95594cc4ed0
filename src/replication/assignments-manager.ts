import type { ControllerChannel } from '../controller/controller-channel.ts'
import type { MetadataImage } from '../controller/image/metadata-image.ts'
import type {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from '../protocol/apis/assign-replicas-to-dirs.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { RandomStream, Runtime, Timer } from '../runtime/runtime.ts'

/** Pause before a request, so that assignments that come together are sent together; the first step of the backoff, too. */
const INITIAL_BACKOFF_MS = 100
const BACKOFF_MULTIPLIER = 2
const MAX_BACKOFF_MS = 10_000
const BACKOFF_JITTER = 0.02
/** What one request may hold, so that the controller's records of it fit into one batch. */
const MAX_ASSIGNMENTS_PER_REQUEST = 2250

export interface AssignmentsManagerOptions {
  /** `node.id` */
  readonly brokerId: number
  /** The newest published metadata: says which assignments still matter, and the epoch of this broker's registration. */
  readonly metadataCache: { readonly image: MetadataImage }
  readonly channel: Pick<ControllerChannel, 'assignReplicasToDirs'>
}

interface Assignment {
  readonly topicId: string
  readonly partition: number
  readonly directoryId: string
}

/**
 * Tells the controller in which log directory a replica of this broker is, where the metadata says otherwise (KIP-858; Kafka's
 * AssignmentsManager). Without it a replica whose disk was replaced could never lead again: the controller takes it to be in a
 * directory that is gone.
 *
 * One request is in flight at a time. What fails is sent again, with growing pauses when the whole request failed, until it
 * is accepted or the replica is no longer this broker's. Memory: two assignments a partition, one waiting and one in flight.
 * Nothing runs while nothing waits.
 */
export class AssignmentsManager {
  readonly #runtime: Runtime
  readonly #options: AssignmentsManagerOptions
  readonly #random: RandomStream
  /** To be sent, by partition. */
  readonly #ready = new Map<string, Assignment>()
  #inFlight: ReadonlyMap<string, Assignment> = new Map()
  /** Requests that failed as a whole, since the last that did not. */
  #globalFailures = 0
  #send: { readonly timer: Timer; readonly atMs: number } | undefined
  #closed = false

  constructor(runtime: Runtime, options: AssignmentsManagerOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#random = runtime.random.stream('AssignmentsManager backoff')
  }

  /** Assignments that the controller has not accepted yet. */
  get pending(): number {
    return this.#ready.size + this.#inFlight.size
  }

  /** The replica is in this directory; what was said of it before and not yet sent is forgotten. */
  onAssignment(topicId: string, partition: number, directoryId: string): void {
    if (this.#closed) return
    this.#ready.set(keyOf(topicId, partition), { topicId, partition, directoryId })
    this.#schedule()
  }

  /** Sends nothing any more. */
  shutdown(): void {
    this.#closed = true
    this.#cancelTimer()
    this.#ready.clear()
  }

  /** Plans the next request, unless an earlier one is planned or the present one has to be answered first. */
  #schedule(): void {
    if (this.#closed || this.#inFlight.size > 0 || this.#ready.size === 0) return
    const delayMs = this.#delayMs()
    const atMs = this.#runtime.clock.monotonicMs() + delayMs
    if (this.#send !== undefined && this.#send.atMs <= atMs) return
    this.#cancelTimer()
    const timer = this.#runtime.timers.after(delayMs, () => {
      this.#send = undefined
      this.#maybeSend()
    })
    this.#send = { timer, atMs }
  }

  #delayMs(): number {
    if (this.#globalFailures > 0) return this.#backoffMs()
    return this.#ready.size > MAX_ASSIGNMENTS_PER_REQUEST ? 0 : INITIAL_BACKOFF_MS
  }

  #backoffMs(): number {
    let backoffMs = INITIAL_BACKOFF_MS
    for (let failure = 0; failure < this.#globalFailures && backoffMs < MAX_BACKOFF_MS; failure++) {
      backoffMs *= BACKOFF_MULTIPLIER
    }
    const jitter = 1 + BACKOFF_JITTER * (this.#random.float() * 2 - 1)
    return Math.min(backoffMs * jitter, MAX_BACKOFF_MS)
  }

  #maybeSend(): void {
    const { image } = this.#options.metadataCache
    const assignments = new Map<string, Assignment>()
    for (const [key, assignment] of this.#ready) {
      if (assignments.size >= MAX_ASSIGNMENTS_PER_REQUEST) break
      this.#ready.delete(key)
      if (this.#isValid(assignment, image)) assignments.set(key, assignment)
    }
    if (assignments.size === 0) {
      this.#schedule()
      return
    }
    this.#inFlight = assignments
    const request = this.#buildRequest(assignments, image)
    this.#runtime.threads.start('directory-assignments', () => this.#request(request, assignments))
  }

  /** Whether the partition is still there, and this broker still one of its replicas. */
  #isValid({ topicId, partition }: Assignment, { topics }: MetadataImage): boolean {
    return topics.getPartition(topicId, partition)?.replicas.includes(this.#options.brokerId) === true
  }

  async #request(request: AssignReplicasToDirsRequest, sent: Map<string, Assignment>): Promise<void> {
    const response = await this.#answerTo(request)
    this.#inFlight = new Map()
    if (this.#closed) return
    if (response === undefined) {
      this.#globalFailures++
    } else {
      this.#globalFailures = 0
      for (const key of acceptedBy(response)) sent.delete(key)
    }
    for (const [key, assignment] of sent) {
      // What was said of the replica meanwhile is newer.
      if (!this.#ready.has(key)) this.#ready.set(key, assignment)
    }
    this.#schedule()
  }

  /** Undefined when the request failed as a whole. */
  async #answerTo(request: AssignReplicasToDirsRequest): Promise<AssignReplicasToDirsResponse | undefined> {
    try {
      const response = await this.#options.channel.assignReplicasToDirs(request)
      return response.errorCode === ErrorCode.NONE ? response : undefined
    } catch {
      // No controller, no connection, no time left: whatever it was, the answer is to ask again.
      return undefined
    }
  }

  #buildRequest(assignments: ReadonlyMap<string, Assignment>, { cluster }: MetadataImage): AssignReplicasToDirsRequest {
    const { brokerId } = this.#options
    const directories = new Map<string, Map<string, { partitionIndex: number }[]>>()
    for (const { topicId, partition, directoryId } of assignments.values()) {
      const topics = directories.get(directoryId) ?? new Map<string, { partitionIndex: number }[]>()
      directories.set(directoryId, topics)
      const partitions = topics.get(topicId) ?? []
      topics.set(topicId, partitions)
      partitions.push({ partitionIndex: partition })
    }
    return {
      brokerId,
      brokerEpoch: cluster.brokerEpoch(brokerId),
      directories: [...directories].map(([id, topics]) => ({
        id,
        topics: [...topics].map(([topicId, partitions]) => ({ topicId, partitions })),
      })),
    }
  }

  #cancelTimer(): void {
    this.#send?.timer.cancel()
    this.#send = undefined
  }
}

function acceptedBy({ directories }: AssignReplicasToDirsResponse): string[] {
  const accepted: string[] = []
  for (const { topics } of directories) {
    for (const { topicId, partitions } of topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        if (errorCode === ErrorCode.NONE) accepted.push(keyOf(topicId, partitionIndex))
      }
    }
  }
  return accepted
}

function keyOf(topicId: string, partition: number): string {
  return `${topicId}:${partition}`
}
