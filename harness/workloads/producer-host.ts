import type { ClientNode } from '../trial/client-node.ts'
import type { SimulatedHost } from '../world/host.ts'
import type { SimulatedProcess } from '../world/process.ts'
import { AppendApplication, type AppendContext } from './append.ts'

/** What an application is given that does not depend on its process. */
export type ProducerHostOptions = Omit<AppendContext, 'process' | 'firstSend'>

/** A producer's machine, and the application that appends on it: when its process is killed, the next one goes on with the plan. */
export class ProducerHost implements ClientNode {
  readonly name: string
  readonly host: SimulatedHost
  #process: SimulatedProcess | undefined
  #options: ProducerHostOptions | undefined
  #application: AppendApplication | undefined
  #planEndMs = Number.POSITIVE_INFINITY
  #nextSend = 0
  #done: (() => void) | undefined
  /** Faults that keep it down. */
  #holds = 0

  constructor(name: string, host: SimulatedHost) {
    this.name = name
    this.host = host
    this.#process = host.process()
  }

  get process(): SimulatedProcess | undefined {
    return this.#process
  }

  /** Makes all sends of the scenario; resolves when each has settled. Call once. */
  run(options: ProducerHostOptions): Promise<void> {
    this.#options = options
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#done = resolve
    this.#begin()
    return promise
  }

  /** No planned send is begun from then on: an application that lags behind drops the rest, so that the trial can settle. */
  endPlanAt(ms: number): void {
    this.#planEndMs = ms
    this.#application?.endPlanAt(ms)
  }

  get heldBytes(): number | undefined {
    return this.#application?.heldBytes
  }

  /** As `AppendApplication.recover`. */
  async recover(): Promise<boolean> {
    const application = this.#application
    const process = this.#process
    return application !== undefined && process !== undefined && (await process.run(() => application.recover()))
  }

  burst(sends: number): (() => void) | undefined {
    const make = this.#application?.burst(sends)
    return make === undefined ? undefined : () => this.#process?.run(make)
  }

  takeDown(_how: 'kill'): (() => boolean) | undefined {
    if (this.#process === undefined) return undefined
    this.#holds++
    this.#application?.abandon()
    this.#nextSend = this.#application?.nextSend ?? 0
    this.#process.kill()
    this.#process = undefined
    this.#application = undefined
    return () => {
      this.#holds--
      if (this.#holds === 0) this.#start()
      return this.#holds === 0
    }
  }

  #start(): void {
    this.#process = this.host.process()
    this.#begin()
  }

  #begin(): void {
    const options = this.#options
    const process = this.#process
    if (options === undefined || process === undefined) return
    process.run(() => {
      const application = new AppendApplication({ ...options, process, firstSend: this.#nextSend })
      application.endPlanAt(this.#planEndMs)
      this.#application = application
      application.run().then(
        () => {
          if (this.#application === application) this.#done?.()
        },
        (error: unknown) => this.host.world.fail(error),
      )
    })
  }
}
