import type { AsyncResource } from 'node:async_hooks'
import type { Lane } from './lane.ts'
import type { TraceKind } from './trace.ts'

/** One thing that will happen in the world. */
export interface WorldEvent {
  /** Virtual time, whole microseconds since the world began. */
  timeUs: number
  /** Orders events of one instant; the schedule strategy chooses it. Lower runs first. */
  priority: number
  /** Order of scheduling: the last tie-break, which makes the order total. */
  sequence: number
  readonly lane: Lane
  readonly kind: TraceKind
  readonly run: () => void
  /** The async context in which third-party code scheduled it, so that its AsyncLocalStorage works as on a real host. */
  readonly context: AsyncResource | undefined
  cancelled: boolean
}

function before(a: WorldEvent, b: WorldEvent): boolean {
  if (a.timeUs !== b.timeUs) return a.timeUs < b.timeUs
  if (a.priority !== b.priority) return a.priority < b.priority
  return a.sequence < b.sequence
}

/** Below so many events cancelled ones are left where they are. */
const SWEEP_FROM = 512

/**
 * A binary heap of events keyed by (time, priority, sequence): a total order, hence determinism. At most half of a large heap
 * are cancelled events: most timers are cancelled long before their time, and would hold on to what they were for.
 */
export class EventHeap {
  #events: WorldEvent[] = []
  #sweepAt = SWEEP_FROM

  get size(): number {
    return this.#events.length
  }

  push(event: WorldEvent): void {
    if (this.#events.length >= this.#sweepAt) this.#sweep()
    const events = this.#events
    let index = events.length
    events.push(event)
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = events[parentIndex] as WorldEvent
      if (before(parent, event)) break
      events[index] = parent
      index = parentIndex
    }
    events[index] = event
  }

  pop(): WorldEvent | undefined {
    const events = this.#events
    const top = events[0]
    const last = events.pop()
    if (last === undefined || events.length === 0) return top
    const count = events.length
    let index = 0
    for (;;) {
      let childIndex = 2 * index + 1
      if (childIndex >= count) break
      const right = childIndex + 1
      if (right < count && before(events[right] as WorldEvent, events[childIndex] as WorldEvent)) childIndex = right
      const child = events[childIndex] as WorldEvent
      if (before(last, child)) break
      events[index] = child
      index = childIndex
    }
    events[index] = last
    return top
  }

  /** Drops what was cancelled. What is left comes nearly in order, so that most of it stays where it is put. */
  #sweep(): void {
    const events = this.#events
    this.#events = []
    this.#sweepAt = Number.POSITIVE_INFINITY
    for (const event of events) if (!event.cancelled) this.push(event)
    this.#sweepAt = Math.max(SWEEP_FROM, 2 * this.#events.length)
  }
}
