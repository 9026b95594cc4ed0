import { Metadata as MetadataApi, type MetadataResponse } from '../protocol/apis/metadata.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { UnsupportedVersionException } from './errors.ts'
import type { MetadataRecoveryStrategy } from './kafka-client.ts'
import type { Metadata } from './metadata.ts'
import type { MetadataChannel, MetadataUpdater } from './metadata-updater.ts'
import type { Node } from './node.ts'

export interface DefaultMetadataUpdaterOptions {
  readonly requestTimeoutMs: number
  readonly reconnectBackoffMs: number
  readonly metadataRecoveryStrategy: MetadataRecoveryStrategy
  readonly metadataRecoveryRebootstrapTriggerMs: number
}

interface InProgress {
  readonly requestVersion: number
  readonly isPartialUpdate: boolean
}

/** Keeps a `Metadata` fresh by Metadata requests to any node, one at a time (NetworkClient.DefaultMetadataUpdater). */
export class DefaultMetadataUpdater implements MetadataUpdater {
  readonly #metadata: Metadata
  readonly #channel: MetadataChannel
  readonly #options: DefaultMetadataUpdaterOptions
  #inProgress: InProgress | undefined
  /** Since when there has been no success; undefined when nothing was tried since the last one. */
  #attemptStartMs: number | undefined

  constructor(metadata: Metadata, channel: MetadataChannel, options: DefaultMetadataUpdaterOptions) {
    this.#metadata = metadata
    this.#channel = channel
    this.#options = options
  }

  fetchNodes(): readonly Node[] {
    return this.#metadata.fetch().nodes
  }

  isUpdateDue(nowMs: number): boolean {
    return this.#inProgress === undefined && this.#metadata.timeToNextUpdate(nowMs) === 0
  }

  maybeUpdate(nowMs: number): number {
    const { requestTimeoutMs, reconnectBackoffMs, metadataRecoveryStrategy } = this.#options
    const timeoutMs = Math.max(
      this.#metadata.timeToNextUpdate(nowMs),
      this.#inProgress === undefined ? 0 : requestTimeoutMs,
    )
    if (timeoutMs > 0) return timeoutMs
    this.#attemptStartMs ??= nowMs
    let leastLoaded = this.#channel.leastLoadedNode(nowMs)
    if (metadataRecoveryStrategy === 'rebootstrap' && !leastLoaded.hasNodeAvailableOrConnectionReady) {
      this.rebootstrap(nowMs)
      leastLoaded = this.#channel.leastLoadedNode(nowMs)
    }
    return leastLoaded.node === undefined ? Math.max(1, reconnectBackoffMs) : this.#update(leastLoaded.node, nowMs)
  }

  handleServerDisconnect(nowMs: number): void {
    if (this.isUpdateDue(nowMs)) this.handleFailedRequest(nowMs)
    this.#metadata.requestUpdate(false)
  }

  handleFailedRequest(nowMs: number, error?: UnsupportedVersionException): void {
    if (error !== undefined) this.#metadata.fatalError(error)
    this.#metadata.failedUpdate(nowMs)
    this.#inProgress = undefined
  }

  needsRebootstrap(nowMs: number): boolean {
    const { metadataRecoveryRebootstrapTriggerMs } = this.#options
    return this.#attemptStartMs !== undefined && nowMs - this.#attemptStartMs > metadataRecoveryRebootstrapTriggerMs
  }

  rebootstrap(nowMs: number): void {
    this.#metadata.rebootstrap()
    this.#attemptStartMs = nowMs
  }

  close(): void {
    this.#metadata.close()
  }

  #update(node: Node, nowMs: number): number {
    const { requestTimeoutMs } = this.#options
    // Never 0, which would keep the host busy until there is a connection.
    const reconnectBackoffMs = Math.max(1, this.#options.reconnectBackoffMs)
    if (this.#channel.canSendRequest(node.id, nowMs)) {
      const { request, requestVersion, isPartialUpdate } = this.#metadata.newMetadataRequestAndVersion(nowMs)
      this.#inProgress = { requestVersion, isPartialUpdate }
      this.#channel.sendInternal(
        {
          nodeId: node.id,
          api: MetadataApi,
          body: request,
          onComplete: ({ body, versionMismatch, receivedMs }) => {
            if (body === undefined) this.handleFailedRequest(receivedMs, versionMismatch)
            else this.#handleResponse(receivedMs, body)
          },
        },
        nowMs,
      )
      return requestTimeoutMs
    }
    if (this.#channel.isAnyNodeConnecting()) return reconnectBackoffMs
    if (this.#channel.canConnect(node, nowMs)) {
      this.#channel.initiateConnect(node, nowMs)
      return reconnectBackoffMs
    }
    // Connected, but with as much in flight as may be: an answer will come.
    return Number.POSITIVE_INFINITY
  }

  #handleResponse(nowMs: number, response: MetadataResponse): void {
    const inProgress = this.#inProgress
    this.#inProgress = undefined
    if (inProgress === undefined) return
    const rebootstraps = this.#options.metadataRecoveryStrategy === 'rebootstrap'
    if (rebootstraps && response.errorCode === ErrorCode.REBOOTSTRAP_REQUIRED) {
      this.#attemptStartMs = Number.NEGATIVE_INFINITY
    } else if (response.brokers.length === 0) {
      this.#metadata.failedUpdate(nowMs)
    } else {
      this.#metadata.update(inProgress.requestVersion, response, inProgress.isPartialUpdate, nowMs)
      this.#attemptStartMs = undefined
    }
  }
}
