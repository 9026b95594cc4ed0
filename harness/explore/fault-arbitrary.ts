import fc from 'fast-check'
import { FAULT_CATALOGUE } from '../faults/catalogue.ts'
import { canAnswer, ERROR_ANSWERS } from '../faults/error-answers.ts'
import {
  type ClusterSpec,
  ERROR_ANSWER_NAMES,
  type ErrorAnswerName,
  type Fault,
  type FaultName,
  MAX_BROKERS,
  type NodeTarget,
  PARTITION_SHAPES,
  type Trigger,
} from '../trial/scenario.ts'
import type { DiskOperation } from '../world/disk.ts'
import { TOPIC_NAME } from './cluster-arbitrary.ts'

/** Faults begin within this time of the start of chaos, virtual ms. */
export const CHAOS_WINDOW_MS = 10_000
const SHORTEST_MS = 10
export const MAX_PICK = 7
const MAX_NTH = 20
const EARLY_NTH = 4
/** Brokers and controllers speak to each other far more often than clients do to them. */
const MAX_NTH_INSIDE = 150
/** Every send is an append, and a sync where it is flushed. */
const MAX_NTH_WRITE = 30
/** Files are replaced and cut when a broker starts and ends, and at checkpoints. */
const MAX_NTH_CHANGE = 10

/** Half of them early: many things do not happen often in a trial, and a fault that waits for what never comes is none. */
function nthUpTo(max: number): fc.Arbitrary<number> {
  return fc.oneof(fc.integer({ min: 1, max: Math.min(max, EARLY_NTH) }), fc.integer({ min: 1, max }))
}

const atTime = { weight: 7, arbitrary: fc.record({ ms: fc.nat(CHAOS_WINDOW_MS) }) }
const atRequest = {
  weight: 3,
  arbitrary: fc.record({
    request: fc.constantFrom('Produce', 'Metadata', 'InitProducerId', 'ApiVersions'),
    nth: nthUpTo(MAX_NTH),
  }),
}
const atRequestInside = {
  weight: 2,
  arbitrary: fc.oneof(
    fc.record({ request: fc.constant('Fetch'), nth: nthUpTo(MAX_NTH_INSIDE) }),
    fc.record({
      request: fc.constantFrom('AlterPartition', 'BrokerHeartbeat', 'BrokerRegistration', 'Envelope'),
      nth: nthUpTo(MAX_NTH),
    }),
    fc.record({ request: fc.constantFrom('Vote', 'BeginQuorumEpoch'), nth: fc.integer({ min: 1, max: 4 }) }),
  ),
}
const atProbe = {
  weight: 1,
  arbitrary: fc.record({
    probe: fc.constantFrom('produce-handled', 'connection-refused', 'broker-unclean-restart', 'request-queue-full'),
  }),
}
/** States in which the next fault has the most to break, and how often a trial may see them before it. */
const TELLING_PROBES: Readonly<Record<string, number>> = {
  'isr-shrinking': 3,
  'isr-shrunk': 3,
  'isr-of-one': 2,
  'isr-below-minimum': 2,
  'isr-expanding': 3,
  'isr-expanded': 3,
  'leader-changed': 5,
  'leader-appended': 40,
  'controller-changed': 2,
  'vote-granted': 4,
  'follower-truncating': 3,
  'follower-truncated': 3,
  'hw-lagging': 2,
}
export const tellingProbe: fc.Arbitrary<Trigger> = fc
  .constantFrom(...Object.keys(TELLING_PROBES))
  .chain(probe => nthUpTo(TELLING_PROBES[probe] ?? 1).map(nth => (nth === 1 ? { probe } : { probe, nth })))
const atProbeInside = { weight: 3, arbitrary: tellingProbe }

function diskOperation(disk: DiskOperation, maxNth: number, file?: string): fc.Arbitrary<Trigger> {
  return nthUpTo(maxNth).map(nth => ({ disk, ...(file === undefined ? {} : { file }), nth }))
}

/** What a sync of the topic's log begins with is what can tear. */
const TOPIC_FILES = `${TOPIC_NAME}-`
/** Operations take microseconds: no time that is drawn would ever fall into one. */
const inDiskOperation = {
  weight: 10,
  arbitrary: fc.oneof(
    { weight: 6, arbitrary: diskOperation('sync', MAX_NTH_WRITE, TOPIC_FILES) },
    { weight: 3, arbitrary: diskOperation('append', MAX_NTH_WRITE, TOPIC_FILES) },
    { weight: 2, arbitrary: diskOperation('sync', MAX_NTH_WRITE) },
    { weight: 2, arbitrary: diskOperation('rename', MAX_NTH_CHANGE) },
    { weight: 1, arbitrary: diskOperation('truncate', MAX_NTH_CHANGE) },
    { weight: 1, arbitrary: diskOperation('remove', MAX_NTH_CHANGE) },
  ),
}

const trigger: fc.Arbitrary<Trigger> = fc.oneof(atTime, atRequest, atRequestInside, atProbe, atProbeInside)
const triggerOfCrash: fc.Arbitrary<Trigger> = fc.oneof(
  atTime,
  atRequest,
  atRequestInside,
  atProbe,
  atProbeInside,
  inDiskOperation,
)

/** What finds a disk in whatever state it is in. */
export const CRASHES: ReadonlySet<FaultName> = new Set(['kill', 'power-loss', 'full-disk', 'crash-leader'])
/** Faults of several nodes at once. */
const CORRELATED: ReadonlySet<FaultName> = new Set(['kill', 'power-loss', 'partition'])
/** Faults that find their victims themselves. */
const UNTARGETED: ReadonlySet<FaultName> = new Set([
  'stall-reader',
  'full-producer-buffer',
  'crash-leader',
  'move-leader',
  'reassign',
  'pause-client',
  'kill-client',
  'zombie',
])
/** Faults of connections are those of clients unless a node is named. */
const OF_CONNECTIONS: ReadonlySet<FaultName> = new Set([
  'disconnect',
  'half-close',
  'blackhole',
  'slow-link',
  'fragment',
  'full-send-buffer',
  'lose-response',
  'delay-response',
  'error-response',
  'lose-alter-partition',
])

const someNode: fc.Arbitrary<NodeTarget> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<NodeTarget>('leader') },
  { weight: 2, arbitrary: fc.constant<NodeTarget>('follower') },
  { weight: 1, arbitrary: fc.constantFrom<NodeTarget>('controller', 'voter') },
  { weight: 3, arbitrary: fc.nat(2) },
)

/** Whether such faults find their victims themselves. */
export function isUntargeted(kind: FaultName): boolean {
  return UNTARGETED.has(kind)
}

function targetOf(kind: FaultName): fc.Arbitrary<NodeTarget | undefined> {
  if (UNTARGETED.has(kind)) return fc.constant(undefined)
  return fc.option(someNode, { nil: undefined, freq: OF_CONNECTIONS.has(kind) ? 2 : 6 })
}

/** An error and when: half of them at one request of their API, which may be the only one of a trial. */
const errorResponse: fc.Arbitrary<{ readonly error: ErrorAnswerName; readonly at: Trigger }> = fc
  .constantFrom(...ERROR_ANSWER_NAMES)
  .chain(error =>
    fc.record({
      error: fc.constant(error),
      at: fc.oneof(
        trigger,
        nthUpTo(MAX_NTH).map(nth => ({ request: ERROR_ANSWERS[error].api, nth })),
      ),
    }),
  )

/** One fault of a kind: when, how long, how strong, on whom, and with which error. */
export function faultOf(kind: FaultName): fc.Arbitrary<Fault> {
  return kind === 'error-response'
    ? fc.tuple(plainFaultOf(kind), errorResponse).map(([fault, { error, at }]) => ({ ...fault, at, error }))
    : plainFaultOf(kind)
}

function plainFaultOf(kind: FaultName): fc.Arbitrary<Fault> {
  const { amount, shortestMs = SHORTEST_MS, longestMs } = FAULT_CATALOGUE[kind]
  return fc
    .record({
      at: CRASHES.has(kind) ? triggerOfCrash : trigger,
      forMs: longestMs === 0 ? fc.constant(0) : fc.integer({ min: Math.min(shortestMs, longestMs), max: longestMs }),
      pick: fc.nat(MAX_PICK),
      amount: amount === undefined ? fc.constant(undefined) : fc.integer({ min: amount.low, max: amount.high }),
      on: targetOf(kind),
      nodes: fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 3 })),
      shape: fc.constantFrom(...PARTITION_SHAPES),
    })
    .map(({ at, forMs, pick, amount: strength, on, nodes, shape }) => ({
      kind,
      at: { ...at },
      forMs,
      ...(pick === 0 ? {} : { pick }),
      ...(strength === undefined ? {} : { amount: strength }),
      ...(on === undefined ? {} : { on }),
      ...(CORRELATED.has(kind) && nodes > 1 ? { nodes } : {}),
      ...(kind === 'partition' && shape !== 'two-way' ? { shape } : {}),
    }))
}

/** Faults that have nothing to hit in a cluster of one node. */
const NEED_SEVERAL_NODES: ReadonlySet<FaultName> = new Set(['partition'])
const NEED_SEVERAL_BROKERS: ReadonlySet<FaultName> = new Set(['move-leader', 'reassign', 'lose-alter-partition'])

/** APIs that only groups use. */
const OF_GROUPS: ReadonlySet<string> = new Set([
  'FindCoordinator',
  'JoinGroup',
  'Heartbeat',
  'ConsumerGroupHeartbeat',
  'OffsetFetch',
  'OffsetCommit',
  'ListOffsets',
])

/** The fault with an error that can come up, in place of one that cannot. */
function withFittingError(fault: Fault, cluster: ClusterSpec, hasGroups: boolean): Fault {
  const { kind, error: drawn, at } = fault
  const canComeUp = (error: ErrorAnswerName): boolean =>
    canAnswer({ ...fault, error }, cluster) && (hasGroups || !OF_GROUPS.has(ERROR_ANSWERS[error].api))
  if (kind !== 'error-response' || drawn === undefined || canComeUp(drawn)) return fault
  const possible = ERROR_ANSWER_NAMES.filter(canComeUp)
  const error = possible[ERROR_ANSWER_NAMES.indexOf(drawn) % possible.length]
  if (error === undefined) return fault
  const isOfItsApi = 'request' in at && at.request === ERROR_ANSWERS[drawn].api
  return { ...fault, error, at: isOfItsApi ? { ...at, request: ERROR_ANSWERS[error].api } : at }
}

/**
 * Leaves out what could not hit anything in this cluster, and says no more than it can mean there.
 *
 * @param hasGroups whether groups consume
 */
export function fittingFaults(faults: readonly Fault[], cluster: ClusterSpec, hasGroups = false): Fault[] {
  const { brokers, controllers, roles } = cluster
  const nodes = roles === 'combined' ? Math.max(brokers, controllers) : brokers + controllers
  return faults
    .filter(({ kind }) => nodes > 1 || !NEED_SEVERAL_NODES.has(kind))
    .filter(({ kind }) => brokers > 1 || !NEED_SEVERAL_BROKERS.has(kind))
    .filter(({ kind }) => roles === 'separate' || kind !== 'controller-partition')
    .map(fault => withFittingError(fault, cluster, hasGroups))
    .map(fault => {
      if (nodes > 1 && (fault.nodes ?? 1) <= Math.min(nodes, MAX_BROKERS)) return fault
      const { on: _, nodes: __, ...plain } = fault
      return nodes > 1 ? { ...plain, ...(fault.on === undefined ? {} : { on: fault.on }) } : plain
    })
}
