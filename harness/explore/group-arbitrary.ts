import fc from 'fast-check'
import {
  COMMIT_POLICIES,
  type ConsumerClientName,
  type GroupProtocol,
  type GroupSpec,
  type MemberSpec,
  type Redeploy,
  SINK_NAMES,
  THIRD_PARTY_CONSUMER_NAMES,
} from '../trial/group-spec.ts'
import type { ExploreOptions } from './explore-options.ts'
import { CHAOS_WINDOW_MS } from './fault-arbitrary.ts'
import { ABILITIES } from './parse-group.ts'

const MAX_MEMBERS = 3
const MAX_REDEPLOYS = 2
/** `group.min.session.timeout.ms` by default. */
const LEAST_SESSION_MS = 6000
const MOST_SESSION_MS = 12_000
/** Many members start at once, as after a deployment of all. */
const LATE_START_MS = 5000
const QUICK_HANDLER_MS = 40
/** Long enough for faults to fall into it. */
const BUSY_HANDLER_MS = 1500
/** Longer than a session: a member that handles so slowly is thrown out unless its client shows that it lives meanwhile. */
const SLOW_HANDLER_MS = 15_000

/** What a group's coordinator needs in every scenario with groups: few partitions of its topic are quicker to create. */
export const COORDINATOR_CONFIG: Readonly<Record<string, string>> = { 'offsets.topic.num.partitions': '2' }

/** Settings of coordinators that change what happens, with values that make it happen. */
export const COORDINATOR_KNOBS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'group.initial.rebalance.delay.ms': fc.constantFrom('0', '500', '3000'),
  'group.coordinator.threads': fc.constantFrom('1', '2', '4'),
  'group.coordinator.append.linger.ms': fc.constantFrom('0', '5', '50'),
  'offsets.topic.segment.bytes': fc.constantFrom('1048576', '104857600'),
}

const redeploy: fc.Arbitrary<Redeploy> = fc
  .record({
    atMs: fc.integer({ min: 500, max: CHAOS_WINDOW_MS }),
    how: fc.constantFrom('close' as const, 'kill' as const),
    forMs: fc.nat(5000),
  })
  .map(drawn => ({ ...drawn }))

const member: fc.Arbitrary<Omit<MemberSpec, 'instanceId'>> = fc
  .record({
    startMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(LATE_START_MS)),
    redeploys: fc.oneof(
      { weight: 2, arbitrary: fc.constant<Redeploy[]>([]) },
      fc.array(redeploy, { maxLength: MAX_REDEPLOYS }),
    ),
  })
  .map(({ startMs, redeploys }) => ({ startMs, redeploys: [...redeploys].sort((a, b) => a.atMs - b.atMs) }))

type Kind = Pick<GroupSpec, 'protocol' | 'assignor'>

/** How a group may be kept: by the classic protocol unless another is asked for; the own client's by either. */
function kindsOf(client: ConsumerClientName, asked: GroupProtocol | undefined): Kind[] {
  const { assignors, protocols } = ABILITIES[client]
  const byDefault: readonly GroupProtocol[] = client === 'java-semantics' ? protocols : ['classic']
  return (asked === undefined ? byDefault : [asked]).flatMap((protocol): Kind[] => {
    if (protocol === 'classic') return assignors.map(assignor => ({ protocol, assignor }))
    // The coordinator's own choice, and the one assignor that clients and coordinators both know.
    const uniform = assignors.find(name => name !== 'range') ?? 'range'
    return [
      { protocol, assignor: uniform },
      ...(assignors.includes('range') ? [{ protocol, assignor: 'range' as const }] : []),
    ]
  })
}

/** What the coordinator must be told of groups of the consumer protocol: there timeouts are its own (KIP-848). */
export function consumerGroupConfig(groups: readonly GroupSpec[]): Record<string, string> {
  const group = groups.find(({ protocol }) => protocol === 'consumer')
  if (group === undefined) return {}
  return {
    'group.consumer.min.session.timeout.ms': `${group.sessionTimeoutMs}`,
    'group.consumer.session.timeout.ms': `${group.sessionTimeoutMs}`,
    'group.consumer.min.heartbeat.interval.ms': `${group.heartbeatIntervalMs}`,
    'group.consumer.heartbeat.interval.ms': `${group.heartbeatIntervalMs}`,
  }
}

function groupArbitrary({ consumer, commit, group, sink }: ExploreOptions): fc.Arbitrary<GroupSpec> {
  return fc
    .record({
      client: consumer === undefined ? fc.constantFrom(...THIRD_PARTY_CONSUMER_NAMES) : fc.constant(consumer),
      assignor: fc.nat(),
      commit: commit === undefined ? fc.constantFrom(...COMMIT_POLICIES) : fc.constant(commit),
      autoCommitIntervalMs: fc.constantFrom(null, 100, 1000, 5000),
      handlerMs: fc.oneof(
        { weight: 6, arbitrary: fc.nat(QUICK_HANDLER_MS) },
        { weight: 5, arbitrary: fc.nat(BUSY_HANDLER_MS) },
        { weight: 1, arbitrary: fc.nat(SLOW_HANDLER_MS) },
      ),
      sink: sink === undefined ? fc.constantFrom(...SINK_NAMES) : fc.constant(sink),
      sessionTimeoutMs: fc.integer({ min: LEAST_SESSION_MS, max: MOST_SESSION_MS }),
      rebalanceShare: fc.integer({ min: 1, max: 4 }),
      heartbeatShare: fc.integer({ min: 3, max: 6 }),
      members: fc.array(member, { minLength: 1, maxLength: MAX_MEMBERS, size: 'max' }),
      isStatic: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
    })
    .map(({ rebalanceShare, heartbeatShare, isStatic, ...drawn }) => {
      const { hasStaticMembers } = ABILITIES[drawn.client]
      const { client, sessionTimeoutMs } = drawn
      const kinds = kindsOf(client, group?.protocol)
      const { protocol, assignor } = kinds[drawn.assignor % kinds.length] as Kind
      return {
        client,
        protocol,
        assignor,
        commit: drawn.commit,
        autoCommitIntervalMs: drawn.autoCommitIntervalMs,
        handlerMs: drawn.handlerMs,
        sink: drawn.sink,
        sessionTimeoutMs,
        rebalanceTimeoutMs: sessionTimeoutMs * rebalanceShare,
        heartbeatIntervalMs: Math.floor(sessionTimeoutMs / heartbeatShare),
        members: drawn.members.map((spec, index) => ({
          startMs: spec.startMs,
          instanceId: isStatic && hasStaticMembers ? `instance-${index}` : null,
          redeploys: spec.redeploys,
        })),
      }
    })
}

export function groupsArbitrary(options: ExploreOptions): fc.Arbitrary<GroupSpec[]> {
  const group = groupArbitrary(options)
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 5, arbitrary: fc.tuple(group) },
    { weight: 1, arbitrary: fc.tuple(group, group) },
  )
}
