import { DiskError } from '../runtime/disk.ts'
import type { Runtime } from '../runtime/runtime.ts'

/** The node has halted while it was starting. */
export class BrokerHaltedError extends Error {
  override readonly name = 'BrokerHaltedError'
}

export interface NodeFaultsOptions {
  /** Default: a crash of the process. */
  readonly onHalt?: ((reason: string) => void) | undefined
}

/** What becomes of a node whose parts cannot go on (Kafka's FaultHandlerFactory and its halting). */
export class NodeFaults {
  readonly #runtime: Runtime
  readonly #options: NodeFaultsOptions
  readonly #listeners: (() => void)[] = []
  #haltReason: string | undefined

  constructor(runtime: Runtime, options: NodeFaultsOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /** Why the node has halted; undefined while it has not. */
  get haltReason(): string | undefined {
    return this.#haltReason
  }

  /** Calls `listener` when the node halts, before whoever runs it is told. */
  beforeHalt(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** The node can go on no longer, for a reason that lies outside of it. Only the first one counts. */
  halt(reason: string): void {
    if (this.#haltReason !== undefined) return
    this.#haltReason = reason
    for (const listener of this.#listeners) listener()
    if (this.#options.onHalt === undefined) this.crash(new BrokerHaltedError(reason))
    else this.#options.onHalt(reason)
  }

  /** A fault of this code. */
  crash(error: unknown): void {
    this.#runtime.threads.start('node-fault', () => Promise.reject(error))
  }

  /** Metadata log or controller cannot go on. */
  onFault(error: unknown): void {
    if (error instanceof DiskError) this.halt(`the metadata log has failed: ${error.message}`)
    else this.crash(error)
  }

  /** Throws BrokerHaltedError. */
  failIfHalted(): void {
    if (this.#haltReason !== undefined) throw new BrokerHaltedError(this.#haltReason)
  }
}
