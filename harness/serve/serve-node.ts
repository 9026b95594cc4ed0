import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { NodeOrder, NodeReport } from './node-messages.ts'

/** A node could not start or has ended by itself. */
export class NodeFailure extends Error {
  override readonly name = 'NodeFailure'
  /** Whether a wrong flag or value is to blame. */
  readonly usage: boolean

  constructor(message: string, usage: boolean) {
    super(message)
    this.usage = usage
  }
}

export type NodeState = 'stopped' | 'starting' | 'running' | 'paused' | 'stopping'

export interface ServeNodeOptions {
  readonly id: number
  readonly host: string
  readonly port: number
  /** Of its controller's listener; undefined when it is only a broker. */
  readonly controllerPort: number | undefined
  readonly properties: ReadonlyMap<string, string>
  readonly dataDirectory: string
  readonly clusterId: string
  /** It has ended although nobody asked for it. */
  readonly onFailure: (failure: NodeFailure) => void
}

/** A node of a served cluster: a process of its own, so that it can be killed as a machine's processes are. */
export class ServeNode {
  readonly options: ServeNodeOptions
  #state: NodeState = 'stopped'
  #child: ChildProcess | undefined
  #exited: Promise<void> = Promise.resolve()
  #waiting: { readonly resolve: () => void; readonly reject: (failure: NodeFailure) => void } | undefined
  #failure: NodeFailure | undefined
  #refusedPorts: readonly number[] = []

  constructor(options: ServeNodeOptions) {
    this.options = options
  }

  get id(): number {
    return this.options.id
  }

  get state(): NodeState {
    return this.#state
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Begins to start; does nothing when it runs. Resolves when it serves clients. Rejects with NodeFailure. */
  async start(): Promise<void> {
    if (this.#state === 'stopping') await this.#exited
    if (this.#state !== 'stopped') return
    this.#state = 'starting'
    this.#failure = undefined
    const file = import.meta.url.endsWith('.ts') ? './node-process.ts' : './node-process.js'
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), [], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child = child
    this.#exited = new Promise(resolve => {
      child.once('exit', () => {
        this.#onExit(child)
        resolve()
      })
    })
    child.on('message', (report: NodeReport) => this.#onReport(child, report))
    const { id, properties, dataDirectory, clusterId } = this.options
    const started = this.#answer()
    this.#send({
      type: 'start',
      nodeId: id,
      properties: [...properties],
      dataDirectory,
      clusterId,
      refusedPorts: this.#refusedPorts,
    })
    await started
  }

  /** Ends the process as `kill -9` does. */
  async kill(): Promise<void> {
    if (this.#child === undefined) return
    this.#state = 'stopping'
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  /** Stops cleanly: the broker hands over its leaderships. */
  async stop(): Promise<void> {
    if (this.#child === undefined) return
    this.#resume()
    this.#state = 'stopping'
    this.#send({ type: 'stop' })
    await this.#exited
  }

  /** The broker stops and the controller goes on: the first half of stopping a whole cluster. */
  async stopBroker(): Promise<void> {
    if (this.#state !== 'running' && this.#state !== 'paused') return
    this.#resume()
    this.#state = 'stopping'
    const stopped = this.#answer()
    this.#send({ type: 'stop-broker' })
    await stopped
  }

  /** The process stands still, with all its connections open. */
  pause(): void {
    if (this.#state !== 'running') return
    this.#child?.kill('SIGSTOP')
    this.#state = 'paused'
  }

  resume(): void {
    if (this.#state === 'paused') this.#resume()
  }

  /** Ports of other nodes that it cannot reach from now on, also after a new start. */
  refuse(ports: readonly number[]): void {
    this.#refusedPorts = ports
    if (this.#child !== undefined) this.#send({ type: 'refuse', ports })
  }

  #resume(): void {
    if (this.#state !== 'paused') return
    this.#child?.kill('SIGCONT')
    this.#state = 'running'
  }

  #answer(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  #send(order: NodeOrder): void {
    // A process that has just ended cannot be reached; its exit tells the rest.
    this.#child?.send(order, () => undefined)
  }

  #onReport(child: ChildProcess, report: NodeReport): void {
    if (child !== this.#child) return
    if (report.type === 'failed') {
      this.#failure = new NodeFailure(report.message, report.usage)
      return
    }
    if (report.type === 'started' && this.#state === 'starting') this.#state = 'running'
    this.#waiting?.resolve()
    this.#waiting = undefined
  }

  #onExit(child: ChildProcess): void {
    if (child !== this.#child) return
    const expected = this.#state === 'stopping'
    const { exitCode, signalCode } = child
    const how = signalCode === null ? `with exit code ${exitCode}` : `by ${signalCode}`
    const failure = this.#failure ?? new NodeFailure(`node ${this.id} has ended ${how}`, false)
    this.#child = undefined
    this.#state = 'stopped'
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) waiting.reject(failure)
    else if (!expected) this.options.onFailure(failure)
  }
}
