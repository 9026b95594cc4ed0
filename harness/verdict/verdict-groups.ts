import fc from 'fast-check'
import { COORDINATOR_CONFIG } from '../explore/group-arbitrary.ts'
import { ABILITIES } from '../explore/parse-group.ts'
import type { GroupSpec, MemberSpec, Redeploy } from '../trial/group-spec.ts'
import type { VerdictConfiguration } from './configuration.ts'
import type { VerdictConsumer } from './consumer-configuration.ts'
import type { VerdictPlan } from './plan.ts'
import { CHAOS_WINDOW_MS } from './verdict-faults.ts'

/** So many read in one trial; a small one has the fewest. */
const MEMBERS = { min: 2, max: 3 } as const
const MAX_REDEPLOYS = 2
const LATE_START_MS = 3000
/** When nobody says which session timeout: as short as brokers take by default, and a little longer. */
const LEAST_SESSION_MS = 6000
const MOST_SESSION_MS = 12_000
const MAX_REBALANCE_SHARE = 3
/** A member handles records as fast as they come, or is always busy with one, so that whatever happens interrupts it. */
const QUICK_MS = 40
const BUSY_MS = { min: 60, max: 600 } as const
const SLOW_MS = { min: 600, max: 1500 } as const

/** What a cluster needs for the group, drawn or, of the consumer protocol, decided by its broker (KIP-848). */
export function coordinatorArbitrary(
  configuration: VerdictConfiguration,
  small: boolean,
): fc.Arbitrary<Record<string, string>> {
  const { consumer } = configuration
  if (consumer === undefined) return fc.constant({})
  const delays = small ? fc.constant('0') : fc.constantFrom('0', '500', '3000')
  const timeouts =
    consumer.protocol === 'classic'
      ? fc.constant({})
      : fc.constantFrom('6000', '12000').map(sessionMs => ({
          'group.consumer.min.session.timeout.ms': sessionMs,
          'group.consumer.session.timeout.ms': sessionMs,
          'group.consumer.min.heartbeat.interval.ms': '1000',
          'group.consumer.heartbeat.interval.ms': '1000',
        }))
  return fc
    .record({ delay: delays, timeouts })
    .map(drawn => ({ ...COORDINATOR_CONFIG, 'group.initial.rebalance.delay.ms': drawn.delay, ...drawn.timeouts }))
}

const redeploy: fc.Arbitrary<Redeploy> = fc
  .record({
    atMs: fc.integer({ min: 500, max: CHAOS_WINDOW_MS }),
    how: fc.constantFrom('close' as const, 'kill' as const),
    forMs: fc.nat(5000),
  })
  .map(drawn => ({ ...drawn }))

function memberArbitrary(isRedeployed: boolean): fc.Arbitrary<Omit<MemberSpec, 'instanceId'>> {
  return fc
    .record({
      startMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(LATE_START_MS)),
      redeploys: isRedeployed ? fc.array(redeploy, { maxLength: MAX_REDEPLOYS }) : fc.constant<Redeploy[]>([]),
    })
    .map(({ startMs, redeploys }) => ({ startMs, redeploys: [...redeploys].sort((a, b) => a.atMs - b.atMs) }))
}

function timeoutsArbitrary({
  sessionTimeoutMs,
  heartbeatIntervalMs,
  maxPollIntervalMs,
}: VerdictConsumer): fc.Arbitrary<Pick<GroupSpec, 'sessionTimeoutMs' | 'heartbeatIntervalMs' | 'rebalanceTimeoutMs'>> {
  const least = Math.max(LEAST_SESSION_MS, (heartbeatIntervalMs ?? 0) + 1)
  const most = Math.max(least, Math.min(MOST_SESSION_MS, maxPollIntervalMs ?? MOST_SESSION_MS))
  return fc
    .record({
      sessionMs: sessionTimeoutMs === undefined ? fc.integer({ min: least, max: most }) : fc.constant(sessionTimeoutMs),
      heartbeatShare: fc.integer({ min: 3, max: 6 }),
      rebalanceShare: fc.integer({ min: 1, max: MAX_REBALANCE_SHARE }),
    })
    .map(({ sessionMs, heartbeatShare, rebalanceShare }) => ({
      sessionTimeoutMs: sessionMs,
      heartbeatIntervalMs: heartbeatIntervalMs ?? Math.max(1, Math.floor(sessionMs / heartbeatShare)),
      rebalanceTimeoutMs: maxPollIntervalMs ?? sessionMs * rebalanceShare,
    }))
}

/** The group that was asked about; its members are redeployed if what happens to applications is among the models. */
export function groupArbitrary(
  consumer: VerdictConsumer,
  { models }: Pick<VerdictPlan, 'models'>,
  small: boolean,
): fc.Arbitrary<GroupSpec> {
  const { commit, autoCommitIntervalMs, isolationLevel, maxPollRecords } = consumer
  const isGiven = commit !== 'auto' || autoCommitIntervalMs !== undefined
  return fc
    .record({
      client: fc.constantFrom(...consumer.clients),
      intervalMs: isGiven ? fc.constant(autoCommitIntervalMs ?? null) : fc.constantFrom(null, 1000, 5000),
      handlerMs: fc.oneof(
        { weight: 2, arbitrary: fc.nat(QUICK_MS) },
        { weight: 4, arbitrary: fc.integer(BUSY_MS) },
        { weight: small ? 0 : 1, arbitrary: fc.integer(SLOW_MS) },
      ),
      timeouts: timeoutsArbitrary(consumer),
      members: fc.array(memberArbitrary(models.includes('client')), {
        minLength: MEMBERS.min,
        maxLength: small ? MEMBERS.min : MEMBERS.max,
      }),
    })
    .map(({ client, intervalMs, handlerMs, timeouts, members }) => ({
      client,
      protocol: consumer.protocol,
      assignor: consumer.assignor ?? (ABILITIES[client].assignors[0] as GroupSpec['assignor']),
      commit,
      autoCommitIntervalMs: intervalMs,
      handlerMs: Math.min(handlerMs, Math.floor(timeouts.rebalanceTimeoutMs / 2)),
      sink: consumer.sink,
      ...timeouts,
      ...(isolationLevel === undefined ? {} : { isolationLevel }),
      ...(maxPollRecords === undefined ? {} : { maxPollRecords }),
      members: members.map((member, index) => ({
        startMs: member.startMs,
        instanceId: consumer.isStatic ? `instance-${index}` : null,
        redeploys: member.redeploys,
      })),
    }))
}
