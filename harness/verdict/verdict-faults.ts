import fc from 'fast-check'
import { FAULT_CATALOGUE } from '../faults/catalogue.ts'
import { type Fault, type FaultName, type NodeTarget, PARTITION_SHAPES, type Trigger } from '../trial/scenario.ts'
import { kindsOf } from './fault-models.ts'
import type { VerdictPlan } from './plan.ts'

/** Faults begin within this time of the start of chaos, and producers send all the while; virtual ms. */
export const CHAOS_WINDOW_MS = 8000
/** Faults of one trial. */
const MAX_FAULTS = 5
/** Long enough for a broker to be fenced and for an in-sync replica set to shrink, with the timeouts that are drawn. */
const LONGEST_MS = 6000
/** Longer than a broker needs to be fenced, to start again and to lead. */
const LONGEST_LAG_MS = 10_000
const SHORTEST_MS = 10
const MAX_NTH_PRODUCE = 20
const MAX_NTH_FETCH = 100
const MAX_NTH_ALTER_PARTITION = 4
/** A cluster needs so long to have all replicas in sync again, virtual ms. */
const RECOVERY_MS = 3000

/** What makes a replica fall behind and leaves its log as it is. */
const LAGS: readonly FaultName[] = ['pause', 'partition']
/** What takes a leader away. */
const LEADER_GOES: readonly FaultName[] = [
  'kill',
  'crash-leader',
  'power-loss',
  'move-leader',
  'controlled-shutdown',
  'reassign',
]
/** Faults that find their victims themselves. */
const UNTARGETED: ReadonlySet<FaultName> = new Set([
  'crash-leader',
  'move-leader',
  'reassign',
  'rolling-restart',
  'lose-alter-partition',
])
/** Those of connections are of clients unless a node is named: half of them are. */
const OF_CONNECTIONS: ReadonlySet<FaultName> = new Set(['disconnect', 'blackhole', 'lose-response'])
/** Faults of several nodes at once. */
const CORRELATED: ReadonlySet<FaultName> = new Set(['kill', 'power-loss', 'partition'])
/** States in which the next fault has the most to break. */
const TELLING_PROBES = ['isr-of-one', 'isr-shrunk', 'isr-below-minimum', 'hw-lagging', 'leader-changed', 'isr-expanded']

const atTime: fc.Arbitrary<Trigger> = fc.record({ ms: fc.nat(CHAOS_WINDOW_MS) }).map(plain)
const atProduce: fc.Arbitrary<Trigger> = fc
  .integer({ min: 1, max: MAX_NTH_PRODUCE })
  .map(nth => ({ request: 'Produce', nth }))
const atOtherRequest: fc.Arbitrary<Trigger> = fc.oneof(
  fc.integer({ min: 1, max: MAX_NTH_ALTER_PARTITION }).map(nth => ({ request: 'AlterPartition', nth })),
  fc.integer({ min: 1, max: MAX_NTH_FETCH }).map(nth => ({ request: 'Fetch', nth })),
)
const atProbe: fc.Arbitrary<Trigger> = fc.constantFrom(...TELLING_PROBES).map(probe => ({ probe }))
const anyTrigger = fc.oneof(
  { weight: 5, arbitrary: atTime },
  { weight: 3, arbitrary: atProduce },
  { weight: 1, arbitrary: atOtherRequest },
  { weight: 2, arbitrary: atProbe },
)
const atLeaderAtWork = fc.oneof({ weight: 2, arbitrary: atProduce }, { weight: 2, arbitrary: atProbe }, atTime)

const whenIsrShrinks: fc.Arbitrary<Trigger> = fc
  .constantFrom('isr-of-one', 'isr-of-one', 'isr-shrunk')
  .map(probe => ({ probe }))

const anyTarget: fc.Arbitrary<NodeTarget> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<NodeTarget>('leader') },
  { weight: 2, arbitrary: fc.constant<NodeTarget>('follower') },
  { weight: 1, arbitrary: fc.constant<NodeTarget>('controller') },
  { weight: 2, arbitrary: fc.nat(2) },
)

/** Times as people would choose them: short, or long enough to be noticed by the cluster. */
function durations(kind: FaultName): fc.Arbitrary<number> {
  const longest = Math.min(FAULT_CATALOGUE[kind].longestMs, LONGEST_MS)
  if (longest === 0) return fc.constant(0)
  const shortest = Math.min(SHORTEST_MS, longest)
  return fc.oneof(
    fc.integer({ min: shortest, max: Math.min(500, longest) }),
    fc.integer({ min: Math.min(1500, longest), max: longest }),
  )
}

function faultOf(
  kind: FaultName,
  at: fc.Arbitrary<Trigger> = anyTrigger,
  on: fc.Arbitrary<NodeTarget> = anyTarget,
  forMs: fc.Arbitrary<number> = durations(kind),
): fc.Arbitrary<Fault> {
  const { amount } = FAULT_CATALOGUE[kind]
  return fc
    .record({
      at,
      forMs,
      on,
      shape: fc.constantFrom(...PARTITION_SHAPES),
      nodes: fc.constantFrom(1, 1, 1, 2, 3),
      untargeted: OF_CONNECTIONS.has(kind) ? fc.boolean() : fc.constant(UNTARGETED.has(kind)),
      pick: fc.nat(3),
      amount: amount === undefined ? fc.constant(undefined) : fc.integer({ min: amount.low, max: amount.high }),
    })
    .map(drawn => ({
      kind,
      at: drawn.at,
      forMs: drawn.forMs,
      ...(drawn.untargeted ? whoseRequests(drawn.at) : { on: drawn.on }),
      ...(kind === 'partition' ? { shape: drawn.shape } : {}),
      ...(CORRELATED.has(kind) && drawn.nodes > 1 ? { nodes: drawn.nodes } : {}),
      ...(drawn.pick === 0 ? {} : { pick: drawn.pick }),
      ...(drawn.amount === undefined ? {} : { amount: drawn.amount }),
    }))
}

/** A fault that finds its victim itself still says whose requests its trigger counts. */
function whoseRequests(at: Trigger): Pick<Fault, 'on'> {
  if (!('request' in at)) return {}
  return { on: at.request === 'AlterPartition' ? 'controller' : 'leader' }
}

/** Any faults of the models, in any order: a subset of the kinds is armed (swarm), so that some trials are pure. */
function anyFaults(kinds: readonly FaultName[], most: number): fc.Arbitrary<Fault[]> {
  return fc
    .subarray([...kinds], { minLength: 1 })
    .chain(armed => fc.array(fc.oneof(...armed.map(kind => faultOf(kind))), { minLength: 1, maxLength: most }))
}

/** The leader goes, at any moment of its work unless one is named. */
function leaderGoes(kinds: readonly FaultName[], at = atLeaderAtWork): fc.Arbitrary<Fault[]> {
  return fc
    .constantFrom(...kinds)
    .chain(kind => faultOf(kind, at, fc.constant<NodeTarget>('leader')).map(fault => [fault]))
}

/** What leaves a replica behind, for long enough to be noticed. */
function lagOf(kind: FaultName, at: Trigger, forMs: number, who: Pick<Fault, 'on' | 'pick'>): Fault {
  const shape = kind === 'partition' ? { shape: 'isolate-one' as const } : {}
  return { kind, at, forMs: Math.min(forMs, FAULT_CATALOGUE[kind].longestMs), ...who, ...shape }
}

/** Followers fall behind one after the other; then a leader goes, while they are away or just after they came back. */
function lagThenLeaderGoes(lags: readonly FaultName[], goes: readonly FaultName[]): fc.Arbitrary<Fault[]> {
  const lag = fc.record({
    kind: fc.constantFrom(...lags),
    atMs: fc.nat(CHAOS_WINDOW_MS / 4),
    forMs: fc.integer({ min: 1500, max: LONGEST_LAG_MS }),
  })
  return fc
    .record({
      lags: fc.oneof({ weight: 1, arbitrary: fc.tuple(lag) }, { weight: 2, arbitrary: fc.tuple(lag, lag) }),
      goes: fc.oneof(leaderGoes(goes), leaderGoes(goes, whenIsrShrinks)),
      again: fc.option(leaderGoes(goes), { nil: [] }),
    })
    .map(({ lags: behind, goes: gone, again }): Fault[] => [
      // With one partition, `pick` is which of the followers.
      ...behind.map(({ kind, atMs, forMs }, index) =>
        lagOf(kind, { ms: atMs }, forMs, { on: 'follower', ...(index === 0 ? {} : { pick: index }) }),
      ),
      ...gone,
      ...again,
    ])
}

/** One broker falls behind; then those that are in sync go together, and stay away for longer than it does. */
function othersGoWhileOneLags(
  lags: readonly FaultName[],
  crashes: readonly FaultName[],
  brokers: number,
): fc.Arbitrary<Fault[]> {
  return fc
    .record({
      lag: fc.constantFrom(...lags),
      crash: fc.constantFrom(...crashes),
      broker: fc.nat(brokers - 1),
      atMs: fc.nat(CHAOS_WINDOW_MS / 4),
      noticedMs: fc.integer({ min: 1000, max: 5000 }),
      backAfterMs: fc.integer({ min: 10, max: 3000 }),
      longerMs: fc.integer({ min: 10, max: LONGEST_MS }),
    })
    .map(({ lag, crash, broker, atMs, noticedMs, backAfterMs, longerMs }) => [
      lagOf(lag, { ms: atMs }, noticedMs + backAfterMs, { on: broker }),
      {
        kind: crash,
        at: { ms: atMs + noticedMs },
        forMs: Math.min(backAfterMs + longerMs, FAULT_CATALOGUE[crash].longestMs),
        on: (broker + 1) % brokers,
        nodes: brokers - 1,
      },
    ])
}

/** A fault plan for a trial under the plan's models, within its bounds. `small` ones have one or two faults. */
export function verdictFaults(plan: VerdictPlan, small: boolean): fc.Arbitrary<Fault[]> {
  const kinds = kindsOf(plan.models).filter(kind => FAULT_CATALOGUE[kind] !== undefined)
  const goes = kinds.filter(kind => LEADER_GOES.includes(kind))
  const lags = kinds.filter(kind => LAGS.includes(kind))
  const choices: fc.WeightedArbitrary<Fault[]>[] = [{ weight: 2, arbitrary: anyFaults(kinds, small ? 2 : MAX_FAULTS) }]
  if (goes.length > 0) choices.push({ weight: small ? 4 : 1, arbitrary: leaderGoes(goes) })
  if (goes.length > 0 && lags.length > 0) choices.push({ weight: 3, arbitrary: lagThenLeaderGoes(lags, goes) })
  const crashes = kinds.filter(kind => kind === 'kill' || kind === 'power-loss')
  const { brokers } = plan.configuration
  if (crashes.length > 0 && lags.length > 0 && brokers > 1) {
    choices.push({ weight: 1, arbitrary: othersGoWhileOneLags(lags, crashes, brokers) })
  }
  return fc.oneof(...choices).map(faults => withinBounds(faults, plan))
}

/** Leaves out what would go beyond the bounds. Where times are not known beforehand, faults count as overlapping. */
export function withinBounds(faults: readonly Fault[], plan: Pick<VerdictPlan, 'atOnce' | 'powerLosses'>): Fault[] {
  const kept: Fault[] = []
  let powerLosses = 0
  for (const fault of faults) {
    const nodes = Math.min(
      fault.nodes ?? 1,
      plan.atOnce,
      fault.kind === 'power-loss' ? plan.powerLosses - powerLosses : MAX_FAULTS,
    )
    if (nodes < 1) continue
    const others = kept.filter(other => overlap(other, fault)).reduce((sum, other) => sum + (other.nodes ?? 1), 0)
    if (others + nodes > plan.atOnce) continue
    if (fault.kind === 'power-loss') powerLosses += nodes
    const { nodes: _, ...one } = fault
    kept.push(nodes === 1 ? one : { ...one, nodes })
  }
  return kept
}

function overlap(a: Fault, b: Fault): boolean {
  if (!('ms' in a.at && 'ms' in b.at)) return true
  const [first, second] = a.at.ms <= b.at.ms ? [a, b] : [b, a]
  return 'ms' in first.at && 'ms' in second.at && second.at.ms <= first.at.ms + first.forMs + RECOVERY_MS
}

/** fast-check's records have no prototype; scenarios are compared and printed as plain objects. */
function plain<T extends object>(value: T): T {
  return { ...value }
}
