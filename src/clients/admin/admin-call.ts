import type { Api } from '../../protocol/api.ts'
import type { Fields, Message, MessageInput } from '../../protocol/schema.ts'
import { type KafkaError, TimeoutException, UnsupportedVersionException } from '../errors.ts'

/** Which broker a call goes to (Kafka's NodeProvider): any, the one that stands for the controller, or one of this id. */
export type NodeChoice = 'least-loaded' | 'controller' | { readonly id: number }

/** A request that is repeated until it succeeds, its error is no passing one, or its time is up. */
export interface AdminCall<Q extends Fields, S extends Fields> {
  /** What it is called in errors: `createTopics`. */
  readonly name: string
  readonly node: NodeChoice
  readonly api: Api<Q, S>
  /** It is not repeated: whoever makes it looks for the right broker again first. */
  readonly once?: true
  /** The least version that can say what is asked; default: that of the API. */
  readonly oldestVersion?: number
  /** The greatest version that can; default: that of the API. */
  readonly latestVersion?: number
  /** @param timeoutMs how long the broker may take */
  readonly body: (version: number, timeoutMs: number) => MessageInput<Q>
  /** Throws what the answer as a whole says went wrong; a passing error makes the client ask again. */
  readonly check?: (body: Message<S>) => void
}

/** What came of a call. */
export interface AdminAnswer<S extends Fields> {
  readonly nodeId: number
  readonly version: number
  readonly body: Message<S>
}

/** A call on its way (Kafka's KafkaAdminClient.Call). Times are of the monotonic clock. */
export class PendingCall<Q extends Fields = Fields, S extends Fields = Fields> {
  readonly call: AdminCall<Q, S>
  readonly deadlineMs: number
  /** It is for the client itself, which needs it before it knows the cluster. */
  readonly internal: boolean
  readonly answer: Promise<AdminAnswer<S>>
  nextAllowedTryMs = 0
  tries = 0
  #resolve: (answer: AdminAnswer<S>) => void
  #reject: (error: Error) => void

  constructor(call: AdminCall<Q, S>, deadlineMs: number, internal: boolean) {
    this.call = call
    this.deadlineMs = deadlineMs
    this.internal = internal
    const { promise, resolve, reject } = Promise.withResolvers<AdminAnswer<S>>()
    this.answer = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  complete(answer: AdminAnswer<S>): void {
    this.#resolve(answer)
  }

  fail(error: Error): void {
    this.#reject(error)
  }

  /** Ends it because its time is up. */
  expire(why: string, cause?: KafkaError): void {
    if (cause instanceof UnsupportedVersionException) {
      this.fail(cause)
      return
    }
    const tried = `${this.tries} ${this.tries === 1 ? 'attempt' : 'attempts'}`
    this.fail(
      new TimeoutException(`${this.call.name} timed out after ${tried}: ${why}`, cause === undefined ? {} : { cause }),
    )
  }
}
