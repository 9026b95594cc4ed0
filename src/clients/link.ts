import { NetworkClient } from '../network/network-client.ts'
import { RequestTimeoutError } from '../network/network-client-errors.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { KafkaClientOptions } from './kafka-client.ts'
import type { Node } from './node.ts'

/** A request that was sent and has not been completed. */
export interface InFlightRequest {
  /** The client's own: completed at once, and not counted among what callers wait for. */
  readonly internal: boolean
  /** Completes it without an answer. */
  disconnected(timedOut: boolean): void
}

/** One connection to one node, from when it is begun until it is given up. */
export interface Link {
  readonly nodeId: number
  readonly client: NetworkClient
  /** Oldest first. */
  readonly inFlight: InFlightRequest[]
}

/** What has come from the network, for the thread that polls. */
export type NetworkEvent =
  | { readonly kind: 'connected'; readonly link: Link }
  | { readonly kind: 'disconnected'; readonly link: Link; readonly timedOut: boolean }
  | {
      readonly kind: 'completed'
      readonly link: Link
      readonly inFlight: InFlightRequest
      /** How long the node wants to be left alone; 0: not at all. */
      readonly throttleTimeMs: number
      run(): void
    }

/** Who takes what comes from a link; called inside the host's callbacks, so it must only hand over. */
export interface LinkObserver {
  put(event: NetworkEvent): void
  wakeup(): void
}

/** Begins to connect to a node; what comes of it is put as an event. */
export function openLink(
  runtime: Runtime,
  options: Pick<
    KafkaClientOptions,
    'clientId' | 'sendBufferBytes' | 'receiveBufferBytes' | 'requestTimeoutMs' | 'maxInFlightRequestsPerConnection'
  >,
  { id, host, port }: Node,
  connectionSetupTimeoutMs: number,
  observer: LinkObserver,
): Link {
  const { clientId, sendBufferBytes, receiveBufferBytes, requestTimeoutMs } = options
  const client = new NetworkClient(runtime, {
    host,
    port,
    clientId,
    requestTimeoutMs,
    connectionSetupTimeoutMs,
    maxInFlightRequests: options.maxInFlightRequestsPerConnection,
    ...(sendBufferBytes < 0 ? {} : { sendBufferBytes }),
    ...(receiveBufferBytes < 0 ? {} : { receiveBufferBytes }),
    onDisconnected: () => observer.put({ kind: 'disconnected', link, timedOut: false }),
    onWritten: () => observer.wakeup(),
  })
  const link: Link = { nodeId: id, client, inFlight: [] }
  client.connect().then(
    () => observer.put({ kind: 'connected', link }),
    error => observer.put({ kind: 'disconnected', link, timedOut: isTimeout(error) }),
  )
  return link
}

/** Ends all that is in flight without an answer: the client's own requests at once, the others in `completions`. */
export function cancelInFlight({ inFlight }: Link, completions: (() => void)[], timedOut: boolean): void {
  for (const request of inFlight.splice(0)) {
    if (request.internal) request.disconnected(timedOut)
    else completions.push(() => request.disconnected(timedOut))
  }
}

/** Whether a connection failed because something took too long. */
export function isTimeout(error: unknown): boolean {
  if (error instanceof RequestTimeoutError) return true
  return error instanceof Error && error.cause instanceof RequestTimeoutError
}

/** `throttle_time_ms` of an answer; 0 when it has none. */
export function throttleTimeOf(response: object): number {
  return 'throttleTimeMs' in response && typeof response.throttleTimeMs === 'number' ? response.throttleTimeMs : 0
}
