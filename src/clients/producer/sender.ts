import { InitProducerId, type InitProducerIdResponse } from '../../protocol/apis/init-producer-id.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { ErrorCode, isRetriable } from '../../protocol/errors.ts'
import { Condition } from '../../runtime/condition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { ClientResponse } from '../client-response.ts'
import { clientTimeMs } from '../client-time.ts'
import {
  ClusterAuthorizationException,
  exceptionFor,
  KafkaError,
  TimeoutException,
  TransactionalIdAuthorizationException,
} from '../errors.ts'
import type { Node } from '../node.ts'
import { awaitReady } from './await-ready.ts'
import { BatchCompletion } from './batch-completion.ts'
import { InFlightBatches } from './in-flight-batches.ts'
import { buildProduceRequest } from './produce-request.ts'
import { ProduceResponseHandler } from './produce-response-handler.ts'
import type { ProducerBatch } from './producer-batch.ts'
import type { SenderOptions } from './sender-options.ts'
import type { TransactionManager } from './transaction-manager.ts'

const INT_MAX = 2_147_483_647
/** The shortest pause: none at all would keep the host busy. */
const MIN_PAUSE_MS = 1
/**
 * When a node is ready but nothing may go to it yet, because what was sent before must be answered first. Kafka's loop does
 * not pause there; the answer ends this pause.
 */
const NOTHING_DRAINED_PAUSE_MS = 20

type InitProducerIdAnswer = ClientResponse<(typeof InitProducerId)['response']['fields']>

/**
 * The thread that sends what the accumulator holds (Kafka's Sender). It alone uses the client, the transaction manager and the
 * batches that were drained.
 */
export class Sender {
  readonly #runtime: Runtime
  readonly #options: SenderOptions
  readonly #inFlight = new InFlightBatches()
  readonly #completion: BatchCompletion
  readonly #responses: ProduceResponseHandler
  readonly #pause: Condition
  #running = true
  #forceClose = false
  #initProducerIdInFlight = false
  /** Whether the InitProducerId request to be sent has failed before. */
  #initProducerIdRetries = false

  constructor(runtime: Runtime, options: SenderOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#pause = new Condition(runtime, 'Sender pause')
    this.#completion = new BatchCompletion(options, this.#inFlight)
    this.#responses = new ProduceResponseHandler(runtime, options, this.#completion)
  }

  get running(): boolean {
    return this.#running
  }

  /** The thread's body. Ends after `initiateClose` when all is sent, or after `forceClose` at once. */
  async run(): Promise<void> {
    while (this.#running) await this.#guardedRunOnce()
    while (!this.#forceClose && this.#hasWork) await this.#guardedRunOnce()
    if (this.#forceClose) this.#options.accumulator.abortIncompleteBatches()
    this.#options.client.close()
  }

  /** Takes nothing more; the thread ends when what is there has been sent or has failed. */
  initiateClose(): void {
    this.#options.accumulator.close()
    this.#running = false
    this.wakeup()
  }

  /** Ends the thread as soon as it can; what is not done fails. */
  forceClose(): void {
    this.#forceClose = true
    this.initiateClose()
    this.#pause.signalAll()
  }

  /** There is something new to look at. */
  wakeup(): void {
    this.#options.client.wakeup()
  }

  get #hasWork(): boolean {
    return this.#options.accumulator.hasUndrained || this.#options.client.inFlightRequestCount() > 0
  }

  async #guardedRunOnce(): Promise<void> {
    try {
      await this.#runOnce()
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      this.#options.onWarning(`uncaught error in kafka producer I/O thread: ${text}`)
      await this.#sleep()
    }
  }

  async #runOnce(): Promise<void> {
    const { client, transactionManager } = this.#options
    if (transactionManager !== undefined && (await this.#takeCareOfProducerId(transactionManager))) return
    await client.poll(this.#sendProducerData(this.#nowMs()))
  }

  /** Whether that was all there is to do now. */
  async #takeCareOfProducerId(transactionManager: TransactionManager): Promise<boolean> {
    const { client } = this.#options
    transactionManager.maybeResolveSequences()
    const { lastError } = transactionManager
    if (transactionManager.hasFatalError) {
      if (lastError !== undefined) this.#maybeAbortBatches(lastError)
      await client.poll(this.#retryPauseMs)
      return true
    }
    if (transactionManager.hasAbortableError && lastError !== undefined && isAuthorizationError(lastError)) {
      this.#maybeAbortBatches(lastError)
      transactionManager.transitionToUninitialized()
      // Kafka's asks again at once, and so all the time.
      await this.#sleep()
      return true
    }
    transactionManager.bumpIdempotentEpochAndResetIdIfNeeded()
    return this.#maybeSendInitProducerId(transactionManager)
  }

  async #maybeSendInitProducerId(transactionManager: TransactionManager): Promise<boolean> {
    const { client, metadata, requestTimeoutMs } = this.#options
    if (this.#initProducerIdInFlight) {
      await client.poll(this.#retryPauseMs)
      return true
    }
    if (!transactionManager.initProducerIdPending) return false
    const { node } = client.leastLoadedNode(this.#nowMs())
    if (node === undefined) {
      this.#initProducerIdRetries = true
      await client.poll(this.#retryPauseMs)
      return true
    }
    if (!(await awaitReady(this.#runtime, client, node, requestTimeoutMs, () => this.#forceClose))) {
      await this.#sleep()
      metadata.requestUpdate(false)
      this.#initProducerIdRetries = true
      return true
    }
    if (this.#initProducerIdRetries) await this.#sleep()
    this.#sendInitProducerId(transactionManager, node)
    await client.poll(this.#retryPauseMs)
    return true
  }

  #sendInitProducerId(transactionManager: TransactionManager, node: Node): void {
    const nowMs = this.#nowMs()
    if (!this.#options.client.canSendRequest(node.id, nowMs)) {
      // The connection has ended during the pause.
      this.#initProducerIdRetries = true
      return
    }
    transactionManager.initProducerIdSent()
    this.#initProducerIdInFlight = true
    this.#options.client.send(
      {
        nodeId: node.id,
        api: InitProducerId,
        body: { transactionalId: null, transactionTimeoutMs: INT_MAX },
        onComplete: answer => {
          this.#initProducerIdInFlight = false
          this.#handleInitProducerId(transactionManager, answer)
        },
      },
      nowMs,
    )
  }

  #handleInitProducerId(transactionManager: TransactionManager, answer: InitProducerIdAnswer): void {
    if (answer.versionMismatch !== undefined) transactionManager.transitionToFatalError(answer.versionMismatch)
    else if (answer.body !== undefined) this.#handleInitProducerIdBody(transactionManager, answer.body)
    else this.#retryInitProducerId(transactionManager)
  }

  #handleInitProducerIdBody(transactionManager: TransactionManager, body: InitProducerIdResponse): void {
    const { errorCode, producerId, producerEpoch } = body
    if (errorCode === ErrorCode.NONE) {
      this.#initProducerIdRetries = false
      transactionManager.initProducerIdSucceeded({ producerId, epoch: producerEpoch })
    } else if (isRetriable(errorCode)) {
      this.#retryInitProducerId(transactionManager)
    } else if (isAuthorizationError(exceptionFor(errorCode))) {
      transactionManager.transitionToAbortableError(exceptionFor(errorCode))
    } else {
      const { message } = exceptionFor(errorCode)
      transactionManager.transitionToFatalError(
        new KafkaError(`Unexpected error in InitProducerIdResponse; ${message}`),
      )
    }
  }

  #retryInitProducerId(transactionManager: TransactionManager): void {
    this.#initProducerIdRetries = true
    transactionManager.retryInitProducerId()
  }

  /** Sends what is ready; returns how long nothing more can become ready without an event. */
  #sendProducerData(nowMs: number): number {
    const { accumulator, metadata, metrics, maxRequestSize, guaranteeMessageOrder } = this.#options
    const cluster = metadata.fetch()
    const { readyNodes, nextReadyCheckDelayMs, unknownLeaderTopics } = accumulator.ready(cluster, nowMs)
    if (unknownLeaderTopics.size > 0) {
      // A topic whose election takes long may have been forgotten: it is still of interest.
      for (const topic of unknownLeaderTopics) metadata.add(topic, nowMs)
      metadata.requestUpdate(false)
    }
    const { nodes, notReadyTimeoutMs } = this.#connectedNodes(readyNodes, nowMs)
    const batches = accumulator.drain(cluster, nodes, maxRequestSize, nowMs)
    const drained = [...batches.values()].flat()
    for (const batch of drained) {
      this.#inFlight.add(batch)
      if (guaranteeMessageOrder) accumulator.mutePartition(batch.topicPartition)
    }
    this.#expireBatches(nowMs)
    metrics.recordProduceRequests([...batches.values()])
    const untilExpiryMs = accumulator.nextExpiryMs - nowMs
    const pollTimeoutMs = Math.max(0, Math.min(nextReadyCheckDelayMs, notReadyTimeoutMs, untilExpiryMs))
    for (const [nodeId, ofNode] of batches) this.#sendProduceRequest(nodeId, ofNode, nowMs)
    if (nodes.length === 0) return pollTimeoutMs
    // There may be more than went into these requests.
    return drained.length > 0 ? 0 : Math.min(pollTimeoutMs, NOTHING_DRAINED_PAUSE_MS)
  }

  #connectedNodes(
    readyNodes: readonly Node[],
    nowMs: number,
  ): { readonly nodes: readonly Node[]; readonly notReadyTimeoutMs: number } {
    const { client, accumulator } = this.#options
    const nodes: Node[] = []
    let notReadyTimeoutMs = Number.POSITIVE_INFINITY
    for (const node of readyNodes) {
      const isReady = client.ready(node, nowMs)
      accumulator.updateNodeLatencyStats(node.id, nowMs, isReady)
      if (isReady) nodes.push(node)
      else notReadyTimeoutMs = Math.min(notReadyTimeoutMs, client.pollDelayMs(node, nowMs))
    }
    return { nodes, notReadyTimeoutMs }
  }

  #expireBatches(nowMs: number): void {
    const { accumulator } = this.#options
    accumulator.resetNextBatchExpiry()
    const underWay = this.#inFlight.takeExpired(accumulator.options.deliveryTimeoutMs, nowMs, batch =>
      accumulator.maybeUpdateNextBatchExpiry(batch),
    )
    const waiting = accumulator.expiredBatches(nowMs)
    for (const batch of waiting) this.#failExpired(batch, nowMs, true)
    for (const batch of underWay) this.#failExpired(batch, nowMs, false)
  }

  /** @param deallocates false while the request that carries the batch is under way: its memory is still in use */
  #failExpired(batch: ProducerBatch, nowMs: number, deallocates: boolean): void {
    const { topic, partition } = batch.topicPartition
    const ageMs = nowMs - batch.createdMs
    const message = `Expiring ${batch.recordCount} record(s) for ${topic}-${partition}:${ageMs} ms has passed since batch creation`
    const error = new TimeoutException(message)
    this.#completion.fail(batch, error, () => error, { adjustsSequenceNumbers: false, deallocates })
    // Whether what was sent once has been written is not known.
    if (batch.inRetry) this.#options.transactionManager?.markSequenceUnresolved(batch)
  }

  #sendProduceRequest(nodeId: number, batches: readonly ProducerBatch[], nowMs: number): void {
    if (batches.length === 0) return
    const { client, metadata, acks, requestTimeoutMs, compression } = this.#options
    const cluster = metadata.fetch()
    for (const batch of batches) batch.inFlight = true
    client.send(
      {
        nodeId,
        api: Produce,
        body: buildProduceRequest(batches, cluster, acks, requestTimeoutMs),
        // Older brokers do not know zstd (KIP-110).
        ...(compression === 'zstd' ? { oldestVersion: 7 } : {}),
        expectsResponse: acks !== 0,
        onComplete: response => this.#responses.handle(response, batches, cluster),
      },
      nowMs,
    )
  }

  #maybeAbortBatches(error: Error): void {
    const { accumulator } = this.#options
    if (!accumulator.hasIncomplete) return
    accumulator.abortBatches(error)
    this.#inFlight.clear()
  }

  async #sleep(): Promise<void> {
    if (!this.#forceClose) await this.#pause.wait(this.#retryPauseMs)
  }

  get #retryPauseMs(): number {
    return Math.max(MIN_PAUSE_MS, this.#options.retryBackoffMs)
  }

  #nowMs(): number {
    return clientTimeMs(this.#runtime)
  }
}

function isAuthorizationError(error: Error): boolean {
  return error instanceof ClusterAuthorizationException || error instanceof TransactionalIdAuthorizationException
}
