import fc from 'fast-check'
import { groupTrigger } from '../explore/group-scenario-arbitrary.ts'
import { FAULT_CATALOGUE } from '../faults/catalogue.ts'
import type { Fault, FaultName, Trigger } from '../trial/scenario.ts'
import { CLIENT_FAULTS, kindsOf } from './fault-models.ts'
import type { VerdictPlan } from './plan.ts'
import { CHAOS_WINDOW_MS, verdictFaults } from './verdict-faults.ts'

/** Faults of applications in one trial. */
const MAX_CLIENT_FAULTS = 3
const SHORTEST_MS = 10
/** Long enough for a session to end. */
const LONG_MS = 6000
/** Producers, then members. */
const MAX_PICK = 5
const MAX_BROKER = 2

const atTime: fc.Arbitrary<Trigger> = fc.nat(CHAOS_WINDOW_MS).map(ms => ({ ms }))

function durations(kind: FaultName): fc.Arbitrary<number> {
  const { shortestMs = SHORTEST_MS, longestMs } = FAULT_CATALOGUE[kind]
  const long = Math.min(Math.max(shortestMs, LONG_MS), longestMs)
  return fc.oneof(
    fc.integer({ min: shortestMs, max: Math.max(shortestMs, long) }),
    fc.integer({ min: long, max: longestMs }),
  )
}

/** What happens to an application at any time, or just when a broker has answered what members of groups ask of it. */
function clientFault(kinds: readonly FaultName[], withGroup: boolean): fc.Arbitrary<Fault> {
  const at = withGroup ? fc.oneof({ weight: 1, arbitrary: atTime }, { weight: 1, arbitrary: groupTrigger }) : atTime
  return fc.constantFrom(...kinds).chain(kind =>
    fc
      .record({ at, forMs: durations(kind), pick: fc.nat(MAX_PICK), broker: fc.nat(MAX_BROKER) })
      .map(({ at: trigger, forMs, pick, broker }) => ({
        kind,
        at: trigger,
        forMs,
        ...('request' in trigger ? { on: broker } : {}),
        ...(pick === 0 ? {} : { pick }),
      })),
  )
}

/** Half of what waits for a request of producers or replicas waits for one of the group, on any broker. */
function heedingGroups(faults: fc.Arbitrary<Fault[]>): fc.Arbitrary<Fault[]> {
  return fc
    .record({
      faults,
      triggers: fc.array(fc.option(groupTrigger, { nil: undefined, freq: 1 }), { minLength: 6, maxLength: 6 }),
      broker: fc.nat(MAX_BROKER),
    })
    .map(({ faults: drawn, triggers, broker }) =>
      drawn.map((fault, index) => {
        const trigger = triggers[index]
        return trigger === undefined || !('request' in fault.at) ? fault : { ...fault, at: trigger, on: broker }
      }),
    )
}

/** The faults of a trial under the plan's models: of nodes and their paths, and of the applications. */
export function faultsOf(plan: VerdictPlan, small: boolean): fc.Arbitrary<Fault[]> {
  const { models, configuration } = plan
  const withGroup = configuration.consumer !== undefined
  const ofNodes = models.filter(name => name !== 'client')
  const kinds = kindsOf(models).filter(kind => CLIENT_FAULTS.has(kind) && (withGroup || kind !== 'zombie'))
  const nodeFaults =
    ofNodes.length === 0 ? fc.constant<Fault[]>([]) : verdictFaults({ ...plan, models: ofNodes }, small)
  const faults = withGroup ? heedingGroups(nodeFaults) : nodeFaults
  if (kinds.length === 0) return faults
  const most = small ? 1 : MAX_CLIENT_FAULTS
  const clientFaults = fc.array(clientFault(kinds, withGroup), { minLength: 1, maxLength: most })
  return fc.oneof(
    { weight: ofNodes.length === 0 ? 0 : 2, arbitrary: faults },
    { weight: 2, arbitrary: clientFaults },
    { weight: 2, arbitrary: fc.tuple(faults, clientFaults).map(both => both.flat()) },
  )
}
