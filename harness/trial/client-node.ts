import type { Assignment } from '../workloads/clients/consumer-client.ts'
import type { SimulatedHost } from '../world/host.ts'
import type { SimulatedProcess } from '../world/process.ts'

/** An application's machine, and the application that runs, ends and starts again on it. */
export interface ClientNode {
  /** `producer-0`, `group-0-member-1`. */
  readonly name: string
  readonly host: SimulatedHost
  /** The process that runs now; undefined while none does. */
  readonly process: SimulatedProcess | undefined
  /**
   * Ends its process at once (kill -9) and keeps it down until the result is called, which starts a fresh one, unless
   * something else still keeps it down: then it returns false. Undefined when nothing runs.
   */
  takeDown(how: 'kill'): (() => boolean) | undefined
  /**
   * What makes so many sends of one record at once, none awaiting another. Absent or undefined when nothing does: it does not
   * produce, is not connected, or awaits each send before the next.
   */
  burst?(sends: number): (() => void) | undefined
}

/** The machine of a member of a consumer group. */
export interface MemberNode extends ClientNode {
  readonly groupId: string
  /** What the member believes to own; undefined while it has no assignment. */
  readonly assignment: Assignment | undefined
}
