import fc from 'fast-check'
import { FAULT_CATALOGUE } from '../faults/catalogue.ts'
import type { Fault, FaultName, NodeTarget, Trigger } from '../trial/scenario.ts'
import { CHAOS_WINDOW_MS, CRASHES, faultOf, isUntargeted, MAX_PICK, tellingProbe } from './fault-arbitrary.ts'

/** Single faults, and faults that come again, in one plan. */
const MAX_SERIES = 6
const MAX_TIMES = 4
/** Of all together. */
const MAX_FAULTS = 12
const MAX_ROUNDS = 6
const MAX_LATE_MS = 500
/** They break what much else is promised by: most trials are without them. */
const RARE: ReadonlySet<FaultName> = new Set(['bit-rot', 'wipe-disk', 'fsync-error'])
const ONE_IN_RARE = 5

/** What takes the leadership away from whoever has it. */
const LEADER_GOES: ReadonlySet<FaultName> = new Set([
  'kill',
  'power-loss',
  'crash-leader',
  'pause',
  'partition',
  'controlled-shutdown',
  'restart',
  'move-leader',
  'reassign',
])
/** What a follower falls behind by. */
const FALLS_BEHIND: ReadonlySet<FaultName> = new Set([
  'kill',
  'power-loss',
  'pause',
  'partition',
  'controlled-shutdown',
  'restart',
  'blackhole',
  'slow-link',
])
/** The leader has most to lose while a follower leaves or comes back. */
const role: fc.Arbitrary<NodeTarget> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<NodeTarget>('leader') },
  { weight: 3, arbitrary: fc.constantFrom<NodeTarget>('follower', 'controller', 'voter') },
)

/** What a leader does about a follower that falls behind and comes back. Until it knows that one is back, nobody else does. */
const OF_ONE_FOLLOWER: fc.Arbitrary<Trigger> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom({ probe: 'isr-shrinking' }, { probe: 'isr-shrunk' }, { probe: 'isr-expanded' }),
  },
  { weight: 2, arbitrary: fc.constant({ probe: 'isr-expanding' }) },
)

/** Shorter than what anybody notices, or about as long as sessions last. */
const pauseMs = fc.oneof(fc.integer({ min: 20, max: 500 }), fc.integer({ min: 500, max: 4000 }))

/** A fault that comes, and perhaps comes again: what a first one has parted is put right, or found to be worse by the next. */
interface Series {
  readonly first: Fault
  readonly times: number
  /** From one to the next, where times are known. */
  readonly everyMs: number
  /** From one to the next, where things are counted. */
  readonly everyNth: number
  /** It begins when the one before it in the plan does. */
  readonly together: boolean
}

function seriesOf(kind: FaultName): fc.Arbitrary<Series> {
  return fc.record({
    first: faultOf(kind),
    times: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: MAX_TIMES })),
    everyMs: pauseMs,
    everyNth: fc.integer({ min: 1, max: 5 }),
    together: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
  })
}

function faultsOf(series: readonly Series[]): Fault[] {
  let before: Trigger | undefined
  const faults = series.flatMap(({ first, times, everyMs, everyNth, together }) => {
    const at = together && before !== undefined ? before : first.at
    before = at
    return Array.from({ length: times }, (_, index) => ({ ...first, at: later(at, index * everyMs, index * everyNth) }))
  })
  return faults.slice(0, MAX_FAULTS)
}

function later(at: Trigger, ms: number, nth: number): Trigger {
  if (nth === 0) return at
  return 'ms' in at ? { ms: at.ms + ms } : { ...at, nth: (at.nth ?? 1) + nth }
}

/** Crashes twice as often: what they leave behind has more variants than anything else. */
function weighted(kind: FaultName): fc.WeightedArbitrary<Series> {
  return { weight: CRASHES.has(kind) ? 2 : 1, arbitrary: seriesOf(kind) }
}

function anyFaults(kinds: readonly FaultName[]): fc.Arbitrary<Fault[]> {
  return fc.array(fc.oneof(...kinds.map(weighted)), { maxLength: MAX_SERIES }).map(faultsOf)
}

/** The fault at that time or in that state, on that node if it does not find its victim itself. */
function aimed(fault: Fault, at: Trigger, on: NodeTarget, pick: number): Fault {
  const { on: _, pick: __, ...rest } = fault
  return { ...rest, at, ...(pick === 0 ? {} : { pick }), ...(isUntargeted(fault.kind) ? {} : { on }) }
}

/**
 * Whoever leads a partition goes, again and again, at a pace: logs part in every epoch. Half of them stay away until the next
 * has gone, so that who comes back finds nobody that has what it lacks.
 */
function leadersGo(kinds: readonly FaultName[]): fc.Arbitrary<Fault[]> {
  const round = fc.record({
    fault: fc.oneof(...kinds.map(faultOf)),
    lateMs: fc.nat(MAX_LATE_MS),
    beyondNextMs: fc.option(pauseMs, { freq: 1 }),
  })
  return fc
    .record({
      startMs: fc.nat(CHAOS_WINDOW_MS / 4),
      everyMs: fc.integer({ min: 300, max: 3000 }),
      pick: fc.nat(MAX_PICK),
      rounds: fc.array(round, { minLength: 1, maxLength: MAX_ROUNDS, size: 'max' }),
    })
    .map(({ startMs, everyMs, pick, rounds }) =>
      rounds.map(({ fault, lateMs, beyondNextMs }, index) => {
        const { longestMs } = FAULT_CATALOGUE[fault.kind]
        const forMs = beyondNextMs === null ? fault.forMs : Math.min(longestMs, everyMs + beyondNextMs)
        return aimed({ ...fault, forMs }, { ms: startMs + index * everyMs + lateMs }, 'leader', pick)
      }),
    )
}

/** Asymmetric: who is cut off goes on as if it were heard, or hears what it cannot answer. */
const ONE_WAY = ['one-way-in', 'one-way-out'] as const
/** Longer than many a `replica.lag.time.max.ms`. */
const behindMs = fc.integer({ min: 1000, max: 6000 })

/** The fault, in half of all for long enough that a follower leaves the ISR for it. */
function longOf(kind: FaultName): fc.Arbitrary<Fault> {
  const { longestMs } = FAULT_CATALOGUE[kind]
  return fc
    .tuple(faultOf(kind), fc.option(behindMs, { freq: 1 }))
    .map(([fault, forMs]) => (forMs === null ? fault : { ...fault, forMs: Math.min(forMs, longestMs) }))
}

/** The fault; a partition is asymmetric in most. */
function deafOf(kind: FaultName): fc.Arbitrary<Fault> {
  const fault = faultOf(kind)
  if (kind !== 'partition') return fault
  return fc.tuple(fault, fc.constantFrom(...ONE_WAY)).map(([cut, shape]) => ({ ...cut, shape }))
}

/**
 * A follower falls behind; while the cluster deals with that, or with its return, several things happen at once. The same
 * follower goes again in most: what was begun for it is not done, and what others do to make up for it has to wait.
 */
function coincidence(falls: readonly FaultName[], kinds: readonly FaultName[]): fc.Arbitrary<Fault[]> {
  const fall = fc.oneof(...falls.map(longOf))
  const other = fc.record({ fault: fc.oneof(...kinds.flatMap(kind => [faultOf(kind), deafOf(kind)])), on: role })
  return fc
    .record({
      first: fall,
      atMs: fc.nat(CHAOS_WINDOW_MS / 4),
      pick: fc.nat(MAX_PICK),
      state: fc.oneof({ weight: 2, arbitrary: OF_ONE_FOLLOWER }, tellingProbe),
      again: fc.option(fall, { freq: 2 }),
      others: fc.array(other, { minLength: 1, maxLength: 3, size: 'max' }),
    })
    .map(({ first, atMs, pick, state, again, others }) => [
      aimed(first, { ms: atMs }, 'follower', pick),
      ...(again === null ? [] : [aimed(again, state, 'follower', pick)]),
      ...others.map(({ fault, on }) => aimed(fault, state, on, pick)),
    ])
}

/** Swarm: a random subset of the kinds is armed, and the plan's faults are drawn from it. */
export function faultsArbitrary(kinds: readonly FaultName[]): fc.Arbitrary<Fault[]> {
  const rare = kinds.filter(kind => RARE.has(kind))
  const common = rare.length === kinds.length ? [] : kinds.filter(kind => !RARE.has(kind))
  const armedRare: fc.Arbitrary<FaultName[]> =
    common.length === 0
      ? fc.subarray(rare)
      : fc.oneof({ weight: ONE_IN_RARE - 1, arbitrary: fc.constant<FaultName[]>([]) }, fc.subarray(rare))
  return fc
    .noShrink(
      fc.tuple(fc.subarray(common, { minLength: Math.min(1, common.length) }), armedRare).map(lists => lists.flat()),
    )
    .chain(armed => (armed.length === 0 ? fc.constant([]) : planOf(armed)))
}

function planOf(armed: readonly FaultName[]): fc.Arbitrary<Fault[]> {
  const plans: fc.WeightedArbitrary<Fault[]>[] = [{ weight: 3, arbitrary: anyFaults(armed) }]
  const goes = armed.filter(kind => LEADER_GOES.has(kind))
  const falls = armed.filter(kind => FALLS_BEHIND.has(kind))
  if (goes.length > 0) plans.push({ weight: 2, arbitrary: leadersGo(goes) })
  if (falls.length > 0) plans.push({ weight: 2, arbitrary: coincidence(falls, armed) })
  return fc.oneof({ withCrossShrink: true }, ...plans)
}
