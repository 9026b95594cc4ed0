import type { Runtime } from '../../src/runtime/runtime.ts'
import type { ClientNode } from '../trial/client-node.ts'
import type { SimulatedHost } from '../world/host.ts'
import type { SimulatedProcess } from '../world/process.ts'

/** How long an application may take to stop before its process is killed, virtual ms: Kubernetes' default grace period. */
const GRACE_MS = 30_000
/** How long a supervisor waits before it starts an application again that ended by itself, virtual ms. */
const RESTART_MS = 1000

/** What an application is given when it starts. */
export interface ServiceLife {
  /** The process it runs in, for clients of this package; others find the simulated machine behind Node's own functions. */
  readonly runtime: Runtime
  /** Aborted when the application is asked to stop (SIGTERM): it closes what is open, and its `main` returns. */
  readonly signal: AbortSignal
  /** Adds a line to the story. */
  tell(text: string): void
}

/** An application: its promise settles when it has ended by itself. */
export type ServiceMain = (life: ServiceLife) => Promise<void> | void

export interface ServiceOptions {
  /** Starts the application again, a second later, when its `main` rejects. Default: the simulation fails with that error. */
  readonly supervised?: boolean
}

export interface StopOptions {
  /** How long it may take to stop before it is killed, virtual ms; default 30 s. */
  readonly graceMs?: number
}

export interface RedeployOptions extends StopOptions {
  /** How long it takes until the new version starts, virtual ms; default 0. */
  readonly downMs?: number
}

interface Run {
  readonly process: SimulatedProcess
  readonly controller: AbortController
  /** Settles when `main` has. */
  readonly ended: Promise<void>
}

/** An application on a machine of its own: it is started, redeployed, killed. */
export class Service implements ClientNode {
  readonly name: string
  readonly host: SimulatedHost
  readonly #main: ServiceMain
  readonly #supervised: boolean
  readonly #tell: (text: string) => void
  #run: Run | undefined
  #starts = 0
  /** Faults that keep it down. */
  #holds = 0

  constructor(
    host: SimulatedHost,
    main: ServiceMain,
    { supervised = false }: ServiceOptions,
    tell: (text: string) => void,
  ) {
    this.name = host.name
    this.host = host
    this.#main = main
    this.#supervised = supervised
    this.#tell = tell
  }

  /** The process that runs now; undefined while none does. */
  get process(): SimulatedProcess | undefined {
    return this.#run?.process
  }

  /** How often it was started. */
  get starts(): number {
    return this.#starts
  }

  /** Starts the application in a fresh process; nothing when it runs, or a fault keeps it down. */
  start(): void {
    if (this.#run !== undefined || this.#holds > 0) return
    this.#starts++
    const process = this.host.process(this.name)
    const controller = new AbortController()
    const life = { runtime: process, signal: controller.signal, tell: (text: string) => this.#tell(text) }
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    const run: Run = { process, controller, ended }
    this.#run = run
    process.run(() =>
      Promise.resolve()
        .then(() => this.#main(life))
        .then(resolve, (error: unknown) => {
          resolve()
          this.#crashed(run, error)
        }),
    )
  }

  /** Ends the process at once, as `kill -9` does; nothing when none runs. */
  kill(): void {
    if (this.#run === undefined) return
    this.#tell('is killed (kill -9)')
    this.#end(this.#run)
  }

  takeDown(_how: 'kill'): (() => boolean) | undefined {
    if (this.#run === undefined) return undefined
    this.#holds++
    this.#end(this.#run)
    return () => {
      this.#holds--
      this.start()
      return this.#holds === 0
    }
  }

  /** Asks the application to stop and waits until it has; whether it did so in time. Otherwise it is killed. */
  async stop({ graceMs = GRACE_MS }: StopOptions = {}): Promise<boolean> {
    const run = this.#run
    if (run === undefined) return true
    this.#tell('is asked to stop')
    run.process.run(() => run.controller.abort())
    const { world } = this.host
    const inTime = await Promise.race([run.ended.then(() => true), world.sleep(graceMs).then(() => false)])
    if (!inTime) this.#tell(`has not stopped after ${graceMs} ms and is killed`)
    this.#end(run)
    return inTime
  }

  /** Stops the application, as `stop` does, and starts it again. */
  async redeploy({ downMs = 0, ...options }: RedeployOptions = {}): Promise<void> {
    await this.stop(options)
    if (downMs > 0) await this.host.world.sleep(downMs)
    this.start()
  }

  #end(run: Run): void {
    run.process.kill()
    if (this.#run === run) this.#run = undefined
  }

  #crashed(run: Run, error: unknown): void {
    if (this.#run !== run) return
    const { world } = this.host
    if (!this.#supervised && !run.controller.signal.aborted) {
      world.fail(error)
      return
    }
    this.#tell(`ends with an error: ${error instanceof Error ? error.message : String(error)}`)
    if (run.controller.signal.aborted) return
    this.#end(run)
    world.at(world.nowUs + RESTART_MS * 1000, world.mainLane, 'timer', () => this.start())
  }
}
