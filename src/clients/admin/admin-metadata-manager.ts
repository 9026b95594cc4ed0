import type { MetadataResponse } from '../../protocol/apis/metadata.ts'
import type { Address } from '../../runtime/network.ts'
import type { MetadataUpdater } from '../metadata-updater.ts'
import type { Node } from '../node.ts'

export interface AdminMetadataOptions {
  readonly bootstrap: readonly Address[]
  /** `retry.backoff.ms`: the least time between two requests. */
  readonly refreshBackoffMs: number
  /** `metadata.max.age.ms` */
  readonly metadataMaxAgeMs: number
  /** `metadata.recovery.rebootstrap.trigger.ms` */
  readonly rebootstrapTriggerMs: number
}

/**
 * The brokers as an admin client knows them, and when they are to be asked for anew (Kafka's AdminMetadataManager). The
 * requests are the client's own calls, so the connections never wait for them.
 */
export class AdminMetadataManager implements MetadataUpdater {
  readonly #options: AdminMetadataOptions
  #nodes: readonly Node[] = []
  #controllerId: number | undefined
  #state: 'quiescent' | 'update-requested' | 'update-pending' = 'update-requested'
  #bootstrapped = true
  #lastUpdateMs = Number.NEGATIVE_INFINITY
  #lastAttemptMs = Number.NEGATIVE_INFINITY
  #attemptStartMs: number | undefined

  constructor(options: AdminMetadataOptions) {
    this.#options = options
    this.#bootstrap()
  }

  /** Whether the brokers are known, and not only servers to begin with. */
  get isReady(): boolean {
    return !this.#bootstrapped
  }

  /** The broker that the cluster names as its controller: with KRaft one that passes requests on. */
  get controller(): Node | undefined {
    return this.#nodes.find(({ id }) => id === this.#controllerId)
  }

  nodeById(id: number): Node | undefined {
    return this.#nodes.find(node => node.id === id)
  }

  /** Milliseconds until the next request for metadata is due; 0: now; Infinity while one is under way. */
  metadataFetchDelayMs(nowMs: number): number {
    const { refreshBackoffMs, metadataMaxAgeMs } = this.#options
    if (this.#state === 'update-pending') return Number.POSITIVE_INFINITY
    const dueMs =
      this.#state === 'update-requested'
        ? this.#lastAttemptMs + refreshBackoffMs
        : this.#lastUpdateMs + metadataMaxAgeMs
    return Math.max(0, dueMs - nowMs)
  }

  requestUpdate(): void {
    if (this.#state === 'quiescent') this.#state = 'update-requested'
  }

  clearController(): void {
    this.#controllerId = undefined
  }

  transitionToUpdatePending(nowMs: number): void {
    this.#state = 'update-pending'
    this.#lastAttemptMs = nowMs
    this.#attemptStartMs ??= nowMs
  }

  updateFailed(): void {
    this.#state = 'update-requested'
  }

  /** Takes an answer. One that names no brokers comes from a broker that has only just started, and is not taken. */
  update({ brokers, controllerId }: MetadataResponse, nowMs: number): void {
    if (brokers.length === 0) {
      this.updateFailed()
      return
    }
    this.#nodes = brokers.map(({ nodeId, host, port, rack }) => ({ id: nodeId, host, port, rack }))
    this.#controllerId = controllerId < 0 ? undefined : controllerId
    this.#bootstrapped = false
    this.#state = 'quiescent'
    this.#lastUpdateMs = nowMs
    this.#attemptStartMs = undefined
  }

  fetchNodes(): readonly Node[] {
    return this.#nodes
  }

  isUpdateDue(): boolean {
    return false
  }

  maybeUpdate(): number {
    return Number.POSITIVE_INFINITY
  }

  handleServerDisconnect(): void {
    this.requestUpdate()
  }

  handleFailedRequest(): void {
    // What fails are the client's own calls, which know by themselves.
  }

  needsRebootstrap(nowMs: number): boolean {
    return this.#attemptStartMs !== undefined && nowMs - this.#attemptStartMs > this.#options.rebootstrapTriggerMs
  }

  rebootstrap(nowMs: number): void {
    this.#bootstrap()
    this.#attemptStartMs = nowMs
  }

  close(): void {
    // Nothing is held.
  }

  #bootstrap(): void {
    this.#nodes = this.#options.bootstrap.map(({ host, port }, index) => ({ id: -1 - index, host, port }))
    this.#controllerId = undefined
    this.#bootstrapped = true
    if (this.#state === 'quiescent') this.#state = 'update-requested'
  }
}
