/**
 * What a host has to do, whichever it is. The same tests run against the real machine, the in-memory host of the unit
 * tests and the simulated world, so that none of them can tell the product something else than the others.
 */
export { describeDisk } from './disk-suite.ts'
export type { Hosts, HostUnderTest } from './host-under-test.ts'
export { describeNetwork } from './network-suite.ts'
export { describeTime } from './time-suite.ts'
