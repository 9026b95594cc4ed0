import fc from 'fast-check'
import { FAULT_CATALOGUE } from '../faults/catalogue.ts'
import type { Fault, FaultName, Trigger } from '../trial/scenario.ts'
import { DISK_OPERATIONS } from '../world/disk.ts'

/** Faults begin within this time of the start of chaos, virtual ms. */
export const CHAOS_WINDOW_MS = 10_000
const SHORTEST_MS = 10
const MAX_FAULTS = 6
const MAX_PICK = 7
const MAX_NTH = 20
const MAX_NTH_OPERATION = 60

const atTime = { weight: 7, arbitrary: fc.record({ ms: fc.nat(CHAOS_WINDOW_MS) }) }
const atRequest = {
  weight: 3,
  arbitrary: fc.record({
    request: fc.constantFrom('Produce', 'Metadata', 'InitProducerId', 'ApiVersions'),
    nth: fc.integer({ min: 1, max: MAX_NTH }),
  }),
}
const atProbe = {
  weight: 1,
  arbitrary: fc.record({
    probe: fc.constantFrom('produce-handled', 'connection-refused', 'broker-unclean-restart', 'request-queue-full'),
  }),
}
/** Operations take microseconds: no time that is drawn would ever fall into one. */
const inDiskOperation = {
  weight: 7,
  arbitrary: fc.record({
    disk: fc.constantFrom(...DISK_OPERATIONS),
    nth: fc.integer({ min: 1, max: MAX_NTH_OPERATION }),
  }),
}

const trigger: fc.Arbitrary<Trigger> = fc.oneof(atTime, atRequest, atProbe)
const triggerOfCrash: fc.Arbitrary<Trigger> = fc.oneof(atTime, atRequest, atProbe, inDiskOperation)

/** What finds a disk in whatever state it is in. */
const CRASHES: ReadonlySet<FaultName> = new Set(['kill', 'power-loss', 'full-disk'])

function faultOf(kind: FaultName): fc.Arbitrary<Fault> {
  const { amount, longestMs } = FAULT_CATALOGUE[kind]
  return fc
    .record({
      at: CRASHES.has(kind) ? triggerOfCrash : trigger,
      forMs: longestMs === 0 ? fc.constant(0) : fc.integer({ min: Math.min(SHORTEST_MS, longestMs), max: longestMs }),
      pick: fc.nat(MAX_PICK),
      amount: amount === undefined ? fc.constant(undefined) : fc.integer({ min: amount.low, max: amount.high }),
    })
    .map(({ at, forMs, pick, amount: strength }) => ({
      kind,
      at: { ...at },
      forMs,
      ...(pick === 0 ? {} : { pick }),
      ...(strength === undefined ? {} : { amount: strength }),
    }))
}

/** Swarm: a random subset of the kinds is armed, and the plan's faults are drawn from it. */
export function faultsArbitrary(kinds: readonly FaultName[]): fc.Arbitrary<Fault[]> {
  return fc
    .noShrink(fc.subarray([...kinds]))
    .chain(armed =>
      armed.length === 0 ? fc.constant([]) : fc.array(fc.oneof(...armed.map(faultOf)), { maxLength: MAX_FAULTS }),
    )
}
