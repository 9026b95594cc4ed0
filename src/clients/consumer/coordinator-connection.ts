import { CoordinatorType, FindCoordinator, type FindCoordinatorResponse } from '../../protocol/apis/find-coordinator.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { DisconnectException, exceptionFor, GroupAuthorizationException, KafkaError } from '../errors.ts'
import type { ExponentialBackoff } from '../exponential-backoff.ts'
import type { Node } from '../node.ts'
import type { ConsumerNetworkClient } from './consumer-network-client.ts'
import { isRetriable, RequestFuture } from './request-future.ts'
import type { Timer } from './timer.ts'

const MAX_NODE_ID = 2_147_483_647
/** The first version that asks for several keys at once. */
const BATCHED_SINCE = 4

export interface CoordinatorConnectionOptions {
  readonly client: ConsumerNetworkClient
  readonly groupId: string
  readonly retryBackoff: ExponentialBackoff
  /** A coordinator was found. */
  readonly onDiscovered: () => void
}

/** Which broker coordinates a group, and the connection to it (that part of Kafka's AbstractCoordinator). */
export class CoordinatorConnection {
  readonly #options: CoordinatorConnectionOptions
  #coordinator: Node | undefined
  #lookup: RequestFuture<void> | undefined
  #fatalError: Error | undefined

  constructor(options: CoordinatorConnectionOptions) {
    this.#options = options
  }

  /** The coordinator, unless it is not known or not to be reached. */
  get(): Node | undefined {
    if (this.#coordinator !== undefined && this.#options.client.isUnavailable(this.#coordinator)) {
      this.#coordinator = undefined
    }
    return this.#coordinator
  }

  get isUnknown(): boolean {
    return this.get() === undefined
  }

  /** It answered that it is not the coordinator, or does not answer: it is to be looked for again. */
  markUnknown(): void {
    const coordinator = this.#coordinator
    this.#coordinator = undefined
    // What is sent to it still would only be answered late.
    if (coordinator !== undefined) this.#options.client.disconnectAsync(coordinator)
  }

  /** As `markUnknown`, after the connection ended. */
  markDisconnected(): void {
    this.#coordinator = undefined
  }

  /** To be called when a request to the coordinator fails. */
  requestFailed(error: Error): void {
    if (error instanceof DisconnectException) this.markDisconnected()
  }

  /**
   * Looks for the coordinator until it is there; false when time ran out. @throws KafkaError when it cannot be, WakeupException
   */
  async ensureReady(timer: Timer, disableWakeup = false): Promise<boolean> {
    const { client, retryBackoff } = this.#options
    if (!this.isUnknown) return true
    let attempts = 0
    do {
      const fatal = this.#fatalError
      this.#fatalError = undefined
      if (fatal !== undefined) throw fatal
      const future = this.lookup()
      await client.pollUntilDone(future, timer, disableWakeup)
      if (!future.isDone) break
      this.#lookup = undefined
      if (future.failed) {
        if (!future.isRetriable) {
          this.#fatalError = undefined
          throw future.exception
        }
        await timer.sleep(retryBackoff.backoff(attempts++))
        await client.awaitMetadataUpdate(timer)
      } else if (this.#coordinator !== undefined && client.isUnavailable(this.#coordinator)) {
        this.markUnknown()
        await timer.sleep(retryBackoff.backoff(attempts++))
      }
    } while (this.isUnknown && timer.notExpired)
    return !this.isUnknown
  }

  /** Begins to look for it, unless that is under way. */
  lookup(): RequestFuture<void> {
    if (this.#lookup !== undefined) return this.#lookup
    const { client, groupId } = this.#options
    const node = client.leastLoadedNode()
    if (node === undefined) {
      return RequestFuture.failure(exceptionFor(ErrorCode.NETWORK_EXCEPTION, 'no broker is available'))
    }
    this.#lookup = client
      .send(node, {
        api: FindCoordinator,
        body: version =>
          version < BATCHED_SINCE
            ? { key: groupId, keyType: CoordinatorType.GROUP }
            : { keyType: CoordinatorType.GROUP, coordinatorKeys: [groupId] },
      })
      .compose<void>(
        ({ body, version }, future) => {
          this.#discovered(found(body, version))
          future.complete()
        },
        error => {
          if (!isRetriable(error)) this.#fatalError = error
        },
      )
    return this.#lookup
  }

  /** For the heartbeat thread: begins to look, or lets go of a lookup that came to nothing. */
  lookupInBackground(): void {
    if (this.#lookup === undefined) this.lookup()
    else this.#lookup = undefined
  }

  /** Begins to look, unless that is under way; for a thread that does so until there is a coordinator. */
  lookupAgain(): void {
    if (this.#lookup?.isDone === true) this.#lookup = undefined
    this.lookup()
  }

  /** Why the last lookup failed, if it is of no use to try again; once. */
  takeFatalError(): Error | undefined {
    const error = this.#fatalError
    this.#fatalError = undefined
    return error
  }

  #discovered({ nodeId, host, port, errorCode, errorMessage }: Found): void {
    const { client, groupId, onDiscovered } = this.#options
    if (errorCode === ErrorCode.GROUP_AUTHORIZATION_FAILED) {
      throw new GroupAuthorizationException(`not authorized to access group: ${groupId}`)
    }
    if (errorCode !== ErrorCode.NONE) throw exceptionFor(errorCode, errorMessage)
    // A connection of its own: what waits at the broker on the other one, a fetch, must not hold up heartbeats.
    const coordinator = { id: MAX_NODE_ID - nodeId, host, port }
    this.#coordinator = coordinator
    client.tryConnect(coordinator)
    onDiscovered()
  }
}

type Found = FindCoordinatorResponse['coordinators'][number]

function found(response: FindCoordinatorResponse, version: number): Found {
  if (version < BATCHED_SINCE) return { ...response, key: '' }
  const [coordinator, another] = response.coordinators
  if (coordinator === undefined || another !== undefined) {
    throw new KafkaError('group coordinator lookup failed: the response holds not exactly one coordinator')
  }
  return coordinator
}
