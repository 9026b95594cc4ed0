import type { SimulatedHost } from '../world/host.ts'
import type { SimulatedProcess } from '../world/process.ts'

/** An application's machine. */
export interface ClientNode {
  /** `producer-0`. */
  readonly name: string
  readonly host: SimulatedHost
  readonly process: SimulatedProcess
}
