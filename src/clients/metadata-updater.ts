import type { Fields } from '../protocol/schema.ts'
import type { ClientRequest } from './client-response.ts'
import type { UnsupportedVersionException } from './errors.ts'
import type { LeastLoadedNode } from './least-loaded-node.ts'
import type { Node } from './node.ts'

/**
 * Where a `KafkaClient` gets its nodes from, and who keeps that fresh through it (Kafka's MetadataUpdater). Called only on
 * the thread that polls.
 */
export interface MetadataUpdater {
  /** The nodes that are known; bootstrap servers at first. */
  fetchNodes(): readonly Node[]
  /** Whether an update should be sent before anything else. */
  isUpdateDue(nowMs: number): boolean
  /** Starts an update when it is time; returns milliseconds until the next look. */
  maybeUpdate(nowMs: number): number
  /** A connection has ended. */
  handleServerDisconnect(nowMs: number, nodeId: number): void
  /** A request of the updater has failed, for good when an error is given. */
  handleFailedRequest(nowMs: number, error?: UnsupportedVersionException): void
  /** Whether it has been without success for longer than `metadata.recovery.rebootstrap.trigger.ms`. */
  needsRebootstrap(nowMs: number): boolean
  /** Begins again with the bootstrap servers. */
  rebootstrap(nowMs: number): void
  close(): void
}

/** What an updater may do through its `KafkaClient`. */
export interface MetadataChannel {
  leastLoadedNode(nowMs: number): LeastLoadedNode
  canSendRequest(nodeId: number, nowMs: number): boolean
  canConnect(node: Node, nowMs: number): boolean
  initiateConnect(node: Node, nowMs: number): void
  isAnyNodeConnecting(): boolean
  /** Sends a request whose completion runs before those of all others. */
  sendInternal<Q extends Fields, S extends Fields>(request: ClientRequest<Q, S>, nowMs: number): void
}
