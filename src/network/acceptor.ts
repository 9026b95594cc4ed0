import { Condition } from '../runtime/condition.ts'
import type { Connection, Listener } from '../runtime/network.ts'
import type { Runtime, Thread } from '../runtime/runtime.ts'
import { type ConnectionQuotas, ConnectionThrottledError, TooManyConnectionsError } from './connection-quotas.ts'
import { IdleRatio } from './idle-ratio.ts'
import { type Metrics, metricName } from './metrics.ts'
import type { Processor } from './processor.ts'

/**
 * Connections that wait for their delayed close, at most; beyond, the one that has waited longest is closed early.
 * Kafka sets no bound, so that a flood of throttled connections may exhaust file descriptors.
 */
const MAX_THROTTLED_SOCKETS = 1000

export interface AcceptorOptions {
  readonly threadName: string
  readonly listenerName: string
  readonly listener: Listener
  readonly processors: readonly Processor[]
  readonly connectionQuotas: ConnectionQuotas
  readonly metrics: Metrics
}

interface DelayedCloseSocket {
  readonly connection: Connection
  readonly endThrottleTimeMs: number
}

/**
 * The thread that accepts the connections of one listener and deals them out to its processors in turn. When a limit is
 * reached, or all processors' queues of new connections are full, it blocks, and further connections wait in the backlog.
 */
export class Acceptor {
  readonly blockedRatio: IdleRatio
  readonly #runtime: Runtime
  readonly #options: AcceptorOptions
  readonly #condition: Condition
  /** Ordered by end of throttle. */
  readonly #throttledSockets: DelayedCloseSocket[] = []
  #currentProcessorIndex = 0
  #mayAccept = true
  #running = true
  #thread: Thread | undefined

  constructor(runtime: Runtime, options: AcceptorOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#condition = new Condition(runtime, `${options.threadName} accept`)
    this.blockedRatio = new IdleRatio(runtime.clock)
    options.metrics.gauge(this.#blockedPercentName, () => this.blockedRatio.value)
    options.listener.onReady(() => {
      this.#mayAccept = true
      this.#condition.signal()
    })
  }

  get listenerName(): string {
    return this.#options.listenerName
  }

  get port(): number {
    return this.#options.listener.address.port
  }

  start(): void {
    for (const processor of this.#options.processors) processor.start()
    this.#thread = this.#runtime.threads.start(this.#options.threadName, () => this.#run())
  }

  /** Stops listening, then ends the acceptor and its processors, closing all of their connections. */
  async close(): Promise<void> {
    this.#running = false
    this.#options.listener.close()
    this.#options.connectionQuotas.removeListener(this.listenerName)
    this.#condition.signal()
    // Processors first: the acceptor may wait for one of them to take a connection over.
    for (const processor of this.#options.processors) await processor.close()
    if (this.#thread !== undefined) await this.#thread.done
    for (const processor of this.#options.processors) await processor.close()
    for (const { connection } of this.#throttledSockets) connection.close()
    this.#throttledSockets.length = 0
    this.#options.metrics.remove(this.#blockedPercentName)
  }

  async #run(): Promise<void> {
    while (this.#running) {
      await this.#waitForWork()
      await this.#acceptNewConnections()
      this.#closeThrottledConnections()
    }
  }

  async #waitForWork(): Promise<void> {
    const next = this.#throttledSockets[0]
    if (this.#mayAccept || !this.#running) return
    if (next === undefined) await this.#condition.wait()
    else await this.#condition.wait(Math.max(0, next.endThrottleTimeMs - this.#runtime.clock.monotonicMs()))
  }

  async #acceptNewConnections(): Promise<void> {
    while (this.#running) {
      const connection = this.#options.listener.accept()
      if (connection === null) {
        this.#mayAccept = false
        return
      }
      if (await this.#admit(connection)) await this.#assignNewConnection(connection)
    }
  }

  /** Counts the connection; closes it, or has it closed later, when it is one too many. */
  async #admit(connection: Connection): Promise<boolean> {
    const { connectionQuotas, listenerName } = this.#options
    try {
      await connectionQuotas.inc(listenerName, connection.remote.host, this.blockedRatio)
      return true
    } catch (error) {
      if (error instanceof TooManyConnectionsError) {
        connectionQuotas.dec(listenerName, connection.remote.host)
        connection.close()
        return false
      }
      if (error instanceof ConnectionThrottledError) {
        this.#closeLater(connection, error.startThrottleTimeMs + error.throttleTimeMs)
        return false
      }
      throw error
    }
  }

  /** To the next processor in turn that has room; when none has, waits for the last one tried. */
  async #assignNewConnection(connection: Connection): Promise<void> {
    const { processors } = this.#options
    for (let retriesLeft = processors.length - 1; retriesLeft >= 0; retriesLeft--) {
      const processor = processors[this.#currentProcessorIndex % processors.length]
      this.#currentProcessorIndex = (this.#currentProcessorIndex + 1) % processors.length
      if (processor === undefined) throw new Error(`listener ${this.listenerName} has no processors`)
      if (processor.offer(connection)) return
      if (retriesLeft > 0) continue
      this.blockedRatio.begin()
      await processor.accept(connection)
      this.blockedRatio.end()
    }
  }

  #closeLater(connection: Connection, endThrottleTimeMs: number): void {
    let at = this.#throttledSockets.length
    while (at > 0 && (this.#throttledSockets[at - 1]?.endThrottleTimeMs ?? 0) > endThrottleTimeMs) at--
    this.#throttledSockets.splice(at, 0, { connection, endThrottleTimeMs })
    if (this.#throttledSockets.length > MAX_THROTTLED_SOCKETS) this.#throttledSockets.shift()?.connection.close()
  }

  #closeThrottledConnections(): void {
    const nowMs = this.#runtime.clock.monotonicMs()
    for (let next = this.#throttledSockets[0]; next !== undefined; next = this.#throttledSockets[0]) {
      if (next.endThrottleTimeMs > nowMs) return
      this.#throttledSockets.shift()
      next.connection.close()
    }
  }

  get #blockedPercentName(): string {
    return metricName('kafka.network', 'Acceptor', 'AcceptorBlockedPercent', { listener: this.listenerName })
  }
}
