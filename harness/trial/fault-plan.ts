import { FAULT_CATALOGUE } from '../faults/catalogue.ts'
import type { FaultContext, Heal } from '../faults/fault-kind.ts'
import { isArmedFromStart } from '../faults/responses.ts'
import { DiskTriggers } from './disk-triggers.ts'
import type { Probes } from './probes.ts'
import type { Fault, FaultName } from './scenario.ts'

/** Carries out a scenario's faults: waits for their triggers, injects, heals. */
export class FaultPlan {
  /** How often each kind has hit something. */
  readonly injected = new Map<FaultName, number>()
  readonly #context: FaultContext
  readonly #probes: Probes
  readonly #active = new Set<Heal>()
  readonly #diskTriggers = new DiskTriggers()
  #armed = false

  constructor(context: FaultContext, probes: Probes) {
    this.#context = context
    this.#probes = probes
  }

  /** Lets triggers fire from now on; times count from now. */
  arm(faults: readonly Fault[]): void {
    this.#armed = true
    const { gate, broker } = this.#context
    this.#diskTriggers.watch(broker.host.disk)
    for (const fault of faults) {
      if (isArmedFromStart(fault)) this.#inject(fault)
      else if ('ms' in fault.at) this.#later(fault.at.ms, () => this.#inject(fault))
      else if ('request' in fault.at)
        gate.onHandled(fault.at.request, fault.at.nth, () => this.#later(0, () => this.#inject(fault)))
      else if ('disk' in fault.at)
        this.#diskTriggers.add(fault.at.disk, fault.at.nth, () => this.#later(0, () => this.#inject(fault)))
      else this.#probes.onFirst(fault.at.probe, () => this.#later(0, () => this.#inject(fault)))
    }
  }

  /** Ends every fault, and no trigger fires any more. */
  heal(): void {
    this.#armed = false
    for (const heal of [...this.#active]) this.#end(heal)
  }

  #inject(fault: Fault): void {
    if (!this.#armed) return
    const { kind, forMs } = fault
    const waits = isArmedFromStart(fault)
    let hits = 0
    const hit = (text: string): void => {
      this.#context.tell(text)
      if (hits++ > 0) return
      this.injected.set(kind, (this.injected.get(kind) ?? 0) + 1)
      if (waits) this.#later(forMs, end)
    }
    const heal = FAULT_CATALOGUE[kind].inject({ ...this.#context, hit }, fault)
    const end = (): void => {
      if (heal !== undefined) this.#end(heal)
    }
    if (heal === undefined) return
    this.#active.add(heal)
    if (!waits) this.#later(forMs, end)
  }

  #end(heal: Heal): void {
    if (this.#active.delete(heal)) heal()
  }

  #later(delayMs: number, run: () => void): void {
    const { world } = this.#context
    world.at(world.nowUs + Math.round(delayMs * 1000), world.mainLane, 'fault', run)
  }
}
