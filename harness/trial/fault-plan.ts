import { FAULT_CATALOGUE } from '../faults/catalogue.ts'
import type { FaultContext, Heal } from '../faults/fault-kind.ts'
import { isArmedFromStart } from '../faults/responses.ts'
import type { Probes } from './probes.ts'
import type { Fault, FaultName } from './scenario.ts'

/** Carries out a scenario's faults: waits for their triggers, injects, heals. */
export class FaultPlan {
  /** How often each kind was injected. */
  readonly injected = new Map<FaultName, number>()
  readonly #context: FaultContext
  readonly #probes: Probes
  readonly #active = new Map<Fault, Heal>()
  #armed = false

  constructor(context: FaultContext, probes: Probes) {
    this.#context = context
    this.#probes = probes
  }

  /** Lets triggers fire from now on; times count from now. */
  arm(faults: readonly Fault[]): void {
    this.#armed = true
    const { gate } = this.#context
    for (const fault of faults) {
      if (isArmedFromStart(fault)) this.#inject(fault)
      else if ('ms' in fault.at) this.#later(fault.at.ms, () => this.#inject(fault))
      else if ('request' in fault.at)
        gate.onHandled(fault.at.request, fault.at.nth, () => this.#later(0, () => this.#inject(fault)))
      else this.#probes.onFirst(fault.at.probe, () => this.#later(0, () => this.#inject(fault)))
    }
  }

  /** Ends every fault, and no trigger fires any more. */
  heal(): void {
    this.#armed = false
    for (const fault of [...this.#active.keys()]) this.#end(fault)
  }

  #inject(fault: Fault): void {
    if (!this.#armed) return
    const heal = FAULT_CATALOGUE[fault.kind].inject(this.#context, fault)
    this.injected.set(fault.kind, (this.injected.get(fault.kind) ?? 0) + 1)
    if (heal === undefined) return
    this.#active.set(fault, heal)
    // A fault that waits for its request ends with the chaos; the others after their time.
    if (!isArmedFromStart(fault)) this.#later(fault.forMs, () => this.#end(fault))
  }

  #end(fault: Fault): void {
    const heal = this.#active.get(fault)
    this.#active.delete(fault)
    heal?.()
  }

  #later(delayMs: number, run: () => void): void {
    const { world } = this.#context
    world.at(world.nowUs + Math.round(delayMs * 1000), world.mainLane, 'fault', run)
  }
}
