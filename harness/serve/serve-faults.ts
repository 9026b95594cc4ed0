import type { ServeNode } from './serve-node.ts'

/** What can be done to a served cluster. */
export const SERVE_FAULTS = {
  kill: 'ends the node’s process as kill -9 does; healing starts it again',
  stop: 'stops the node cleanly; healing starts it again',
  restart: 'stops the node cleanly and starts it again',
  pause: 'lets the node’s process stand still, its connections open; healing lets it go on',
  partition:
    'cuts the node off from others, by default all: they refuse each other’s connections; clients still reach it',
} as const
export type ServeFaultKind = keyof typeof SERVE_FAULTS

export interface ServeFaultOrder {
  readonly kind: ServeFaultKind
  readonly node: number
  /** Healed after so many milliseconds; without, when somebody asks for it. */
  readonly forMs?: number
  /** Of a partition: the nodes it is cut off from; without, all others. */
  readonly from?: readonly number[]
}

export interface ActiveFault extends ServeFaultOrder {
  readonly id: number
}

/** An order that makes no sense. */
export class FaultOrderError extends Error {
  override readonly name = 'FaultOrderError'
}

/** The faults of a served cluster: injects them, and heals them one by one or all. */
export class ServeFaults {
  readonly #nodes: ReadonlyMap<number, ServeNode>
  readonly #active = new Map<number, ActiveFault>()
  readonly #timers = new Map<number, NodeJS.Timeout>()
  #nextId = 1

  constructor(nodes: ReadonlyMap<number, ServeNode>) {
    this.#nodes = nodes
  }

  get active(): readonly ActiveFault[] {
    return [...this.#active.values()]
  }

  /** Resolves when the fault is in force; what lasts is healed later. Throws FaultOrderError. */
  async inject(order: ServeFaultOrder): Promise<ActiveFault> {
    const node = this.#nodeOf(order.node)
    for (const other of order.from ?? []) this.#nodeOf(other)
    const fault: ActiveFault = { ...order, id: this.#nextId++ }
    this.#active.set(fault.id, fault)
    switch (order.kind) {
      case 'kill':
        await node.kill()
        break
      case 'stop':
        await node.stop()
        break
      case 'restart':
        await node.stop()
        await this.heal(fault.id)
        return fault
      case 'pause':
        node.pause()
        break
      case 'partition':
        this.#refuse()
        break
    }
    if (order.forMs !== undefined) {
      this.#timers.set(
        fault.id,
        setTimeout(() => void this.heal(fault.id), order.forMs),
      )
    }
    return fault
  }

  /** Ends a fault; resolves when the node serves again, if it was this fault that kept it from that. False: no such fault. */
  async heal(id: number): Promise<boolean> {
    const fault = this.#active.get(id)
    if (fault === undefined) return false
    this.#active.delete(id)
    clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
    const node = this.#nodeOf(fault.node)
    if (fault.kind === 'partition') this.#refuse()
    else if (fault.kind === 'pause') this.#unlessHeld(node, ['pause'], () => node.resume())
    else await this.#unlessHeld(node, ['kill', 'stop', 'restart'], () => node.start())
    return true
  }

  /** Starts a node whatever has ended it; faults that keep it down are healed by that. */
  async startNode(id: number): Promise<ServeNode> {
    const node = this.#nodeOf(id)
    for (const fault of this.active) {
      if (fault.node === id && (fault.kind === 'kill' || fault.kind === 'stop')) this.#active.delete(fault.id)
    }
    await node.start()
    return node
  }

  async healAll(): Promise<void> {
    await Promise.all(this.active.map(({ id }) => this.heal(id)))
  }

  /** No fault heals by itself any more. */
  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
  }

  #unlessHeld<T>(node: ServeNode, kinds: readonly ServeFaultKind[], act: () => T): T | undefined {
    const held = this.active.some(fault => fault.node === node.id && kinds.includes(fault.kind))
    return held ? undefined : act()
  }

  #refuse(): void {
    for (const node of this.#nodes.values()) {
      const ports: number[] = []
      for (const other of this.#nodes.values()) {
        if (other === node || !this.#areApart(node.id, other.id)) continue
        const { port, controllerPort } = other.options
        ports.push(port, ...(controllerPort === undefined ? [] : [controllerPort]))
      }
      node.refuse(ports)
    }
  }

  #areApart(one: number, other: number): boolean {
    return this.active.some(({ kind, node, from }) => {
      if (kind !== 'partition') return false
      const cutsOff = (id: number) => from === undefined || from.includes(id)
      return (node === one && cutsOff(other)) || (node === other && cutsOff(one))
    })
  }

  #nodeOf(id: number): ServeNode {
    const node = this.#nodes.get(id)
    if (node === undefined)
      throw new FaultOrderError(`there is no node ${id}, only ${[...this.#nodes.keys()].join(', ')}`)
    return node
  }
}
