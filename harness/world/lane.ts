import type { WorldEvent } from './event-heap.ts'
import type { SimulatedProcess } from './process.ts'

/**
 * A line of events that keep their order among themselves: a thread, one direction of a connection, the timers of an
 * application. Events of different lanes at one instant may be reordered by the schedule.
 */
export interface Lane {
  /** Small whole number in order of creation; what the trace records. */
  readonly id: number
  /** `broker-1/data-plane-kafka-request-handler-3`. */
  readonly name: string
  /** The process whose death ends the lane; undefined for the network and the harness. */
  readonly process: SimulatedProcess | undefined
  /** While set, due events wait here instead of running (a frozen thread). */
  held: WorldEvent[] | undefined
}
