import type { NetworkClient } from '../network/network-client.ts'

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
