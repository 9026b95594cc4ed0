import type { Api } from '../protocol/api.ts'
import type { Fields, Message, MessageInput } from '../protocol/schema.ts'
import type { UnsupportedVersionException } from './errors.ts'

/** A request to one node (Kafka's ClientRequest). */
export interface ClientRequest<Q extends Fields, S extends Fields> {
  readonly nodeId: number
  readonly api: Api<Q, S>
  /** The message, or what makes it for the version that is chosen. */
  readonly body: MessageInput<Q> | ((version: number) => MessageInput<Q>)
  /** The least version that can say what is asked; default: that of the API. */
  readonly oldestVersion?: number
  /** The greatest version that can; default: that of the API. */
  readonly latestVersion?: number
  /** False for what is never answered (Produce with acks 0): complete as soon as it is written. Default true. */
  readonly expectsResponse?: boolean
  /** Default: `request.timeout.ms`. */
  readonly timeoutMs?: number
  /** Called once, in `poll`, however the request ends; not after `close`. An error that leaves it leaves `poll`. */
  readonly onComplete?: (response: ClientResponse<S>) => void
}

/** How a request ended (Kafka's ClientResponse). */
export interface ClientResponse<S extends Fields> {
  readonly nodeId: number
  /** The version in which the request was sent. */
  readonly version: number
  /** The node's answer; undefined for any failure, and when none was expected. */
  readonly body: Message<S> | undefined
  /** The connection ended: the request may have been handled or not. */
  readonly disconnected: boolean
  /** It ended because this or an earlier request took longer than it may. */
  readonly timedOut: boolean
  /** There was no version for it: nothing was sent. */
  readonly versionMismatch: UnsupportedVersionException | undefined
  /** When the request was given and when it ended, on the monotonic clock. */
  readonly createdMs: number
  readonly receivedMs: number
}
