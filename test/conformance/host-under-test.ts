import type { Runtime } from '../../src/runtime/runtime.ts'

/** Two hosts that can reach each other, for one test. */
export interface Hosts {
  readonly server: Runtime
  readonly client: Runtime
  /** The host name or address under which `server` listens and `client` reaches it. */
  readonly serverHost: string
}

/**
 * A kind of host, as the conformance suite needs it. `run` makes two fresh hosts with empty disks, runs the body on them
 * until its promise settles, and cleans up. A simulated host runs the body in virtual time, so a body waits only by what
 * the runtimes offer.
 */
export interface HostUnderTest {
  run<T>(body: (hosts: Hosts) => Promise<T>): Promise<T>
}
