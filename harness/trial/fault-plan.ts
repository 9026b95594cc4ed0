import { FAULT_CATALOGUE } from '../faults/catalogue.ts'
import type { FaultContext, Heal } from '../faults/fault-kind.ts'
import { isArmedFromStart } from '../faults/responses.ts'
import type { ClusterNode } from './cluster-node.ts'
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
    this.#diskTriggers.watch(this.#context.cluster.nodes)
    for (const fault of faults) this.add(fault)
  }

  /** Lets one more trigger fire; its time counts from now. */
  add(fault: Fault): void {
    const { at } = fault
    const inject = (): void => this.#inject(fault)
    const soon = (): void => this.#later(0, inject)
    const counts = (node: ClusterNode): boolean => this.#context.cluster.resolve(fault.on, fault.pick) === node
    if (isArmedFromStart(fault)) inject()
    else if ('ms' in at) this.#later(at.ms, inject)
    else if ('request' in at) this.#onHandled(at.request, at.nth, counts, soon)
    else if ('disk' in at) this.#diskTriggers.add(at, counts, soon)
    else this.#probes.onNth(at.probe, at.nth ?? 1, soon)
  }

  #onHandled(apiName: string, nth: number, counts: (node: ClusterNode) => boolean, callback: () => void): void {
    let seen = 0
    for (const node of this.#context.cluster.nodes) {
      node.gate.onHandled(apiName, () => {
        if (seen < nth && counts(node) && ++seen === nth) callback()
        return seen >= nth
      })
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
    const { on, pick } = fault
    const node = this.#context.cluster.resolve(on, pick)
    const heal = FAULT_CATALOGUE[kind].inject({ ...this.#context, node, hit }, fault)
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
