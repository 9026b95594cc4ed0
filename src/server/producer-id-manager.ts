import type { ControllerChannel } from '../controller/controller-channel.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import type { Runtime } from '../runtime/runtime.ts'

/** Share of a block after which the next one is asked for. */
const PREFETCH_THRESHOLD = 0.9
/** Wait after a request for a block has failed. */
const RETRY_BACKOFF_MS = 50

interface ProducerIdBlock {
  readonly first: number
  readonly size: number
  claimed: number
}

/**
 * Gives out producer ids from blocks that the controller allocates (Kafka's RPCProducerIdManager). Never waits: while no
 * block is at hand the caller is refused with COORDINATOR_LOAD_IN_PROGRESS, which clients try again.
 */
export class ProducerIdManager {
  readonly #runtime: Runtime
  readonly #brokerId: number
  readonly #brokerEpoch: () => number
  readonly #controller: Pick<ControllerChannel, 'allocateProducerIds'>
  #current: ProducerIdBlock = { first: 0, size: 0, claimed: 0 }
  #next: ProducerIdBlock | undefined
  #requestInFlight = false
  #retryNotBeforeMs = 0

  /** @param brokerEpoch the epoch under which the broker is registered now */
  constructor(
    runtime: Runtime,
    brokerId: number,
    brokerEpoch: () => number,
    controller: Pick<ControllerChannel, 'allocateProducerIds'>,
  ) {
    this.#runtime = runtime
    this.#brokerId = brokerId
    this.#brokerEpoch = brokerEpoch
    this.#controller = controller
  }

  /** A producer id that nobody had before. Throws `ApiError` COORDINATOR_LOAD_IN_PROGRESS. */
  generateProducerId(): number {
    if (this.#current.claimed >= this.#current.size) {
      if (this.#next === undefined) {
        this.#maybeRequestNextBlock()
        throw new ApiError(
          ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
          'the block of producer ids is used up, waiting for the next one',
        )
      }
      this.#current = this.#next
      this.#next = undefined
    }
    const id = this.#current.first + this.#current.claimed
    this.#current.claimed++
    if (this.#current.claimed >= Math.floor(this.#current.size * PREFETCH_THRESHOLD)) this.#maybeRequestNextBlock()
    return id
  }

  #maybeRequestNextBlock(): void {
    if (this.#requestInFlight || this.#next !== undefined) return
    if (this.#runtime.clock.monotonicMs() < this.#retryNotBeforeMs) return
    this.#requestInFlight = true
    void this.#requestNextBlock()
  }

  async #requestNextBlock(): Promise<void> {
    try {
      const request = { brokerId: this.#brokerId, brokerEpoch: this.#brokerEpoch() }
      const { producerIdStart, producerIdLen } = await this.#controller.allocateProducerIds(request)
      this.#next = { first: producerIdStart, size: producerIdLen, claimed: 0 }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.#retryNotBeforeMs = this.#runtime.clock.monotonicMs() + RETRY_BACKOFF_MS
    } finally {
      this.#requestInFlight = false
    }
  }
}
