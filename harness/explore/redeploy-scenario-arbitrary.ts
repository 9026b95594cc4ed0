import fc from 'fast-check'
import { type MemberSpec, REDEPLOY_MEANS, type Redeploy } from '../trial/group-spec.ts'
import type { ProducerSpec, Scenario } from '../trial/scenario.ts'
import type { ExploreOptions } from './explore-options.ts'
import { CHAOS_WINDOW_MS } from './fault-arbitrary.ts'
import { promisedGuarantees } from './promised-guarantees.ts'

const MEMBERS = 3
/** Partitions beyond one a member, so that what a member owns can be uneven. */
const MOST_MORE_PARTITIONS = 3
/** Starting a cluster and bringing it to its end takes longer than a redeploy: many of them make use of it. */
const LEAST_ROUNDS = 4
const MOST_ROUNDS = 10
const MOST_STARTUP_MS = 2000
/** Handlers are quick: that slow ones hold a group up is another thing. */
const QUICK_HANDLER_MS = 40

interface Rolling {
  /** Of the first round, virtual ms after the start of chaos. */
  readonly startMs: number
  readonly rounds: number
  /** From one member's end to the next one's. */
  readonly everyMs: number
  /** From the last member of a round to the first of the next. */
  readonly restMs: number
  /** By round and member. */
  readonly means: readonly Redeploy['how'][]
  readonly downMs: readonly number[]
}

const rolling: fc.Arbitrary<Rolling> = fc.record({
  startMs: fc.integer({ min: 500, max: 4000 }),
  rounds: fc.integer({ min: LEAST_ROUNDS, max: MOST_ROUNDS }),
  everyMs: fc.integer({ min: 100, max: 3000 }),
  restMs: fc.integer({ min: 1000, max: 8000 }),
  means: fc.array(fc.constantFrom(...REDEPLOY_MEANS), drawnForEach()),
  downMs: fc.array(fc.nat(MOST_STARTUP_MS), drawnForEach()),
})

function drawnForEach(): { readonly minLength: number; readonly maxLength: number } {
  return { minLength: MEMBERS * MOST_ROUNDS, maxLength: MEMBERS * MOST_ROUNDS }
}

/**
 * Leaves one group of three members, and redeploys it in rounds: in each round every member is ended, closed or killed, and
 * started again, one after the other. What producers send is spread over all of it.
 */
export function withRedeploys(scenarios: fc.Arbitrary<Scenario>, options: ExploreOptions): fc.Arbitrary<Scenario> {
  return fc
    .record({
      scenario: scenarios,
      rolling,
      morePartitions: fc.nat(MOST_MORE_PARTITIONS),
    })
    .map(({ scenario, rolling: plan, morePartitions }) => {
      const { workload, cluster: drawn, faults, ...rest } = scenario
      const cluster = { ...drawn, topic: { ...drawn.topic, partitions: MEMBERS + morePartitions } }
      const groups = (workload.groups ?? []).slice(0, 1).map(group => ({
        ...group,
        handlerMs: group.handlerMs % QUICK_HANDLER_MS,
        members: members(plan, group.members[0]?.instanceId !== null),
      }))
      const producers = workload.producers.map(producer => stretched(producer, endOf(plan)))
      const changed = { cluster, workload: { ...workload, producers, groups }, faults }
      return { ...rest, ...changed, guarantees: promisedGuarantees(changed, options) }
    })
}

/** When the last member has been ended for the last time. */
function endOf({ startMs, rounds, everyMs, restMs }: Rolling): number {
  return startMs + rounds * (MEMBERS * everyMs + restMs)
}

function stretched(producer: ProducerSpec, endMs: number): ProducerSpec {
  const sends = producer.sends.map(send => ({ ...send, atMs: Math.floor((send.atMs * endMs) / CHAOS_WINDOW_MS) }))
  return { ...producer, sends }
}

function members(plan: Rolling, isStatic: boolean): MemberSpec[] {
  return Array.from({ length: MEMBERS }, (_, member) => ({
    startMs: 0,
    instanceId: isStatic ? `instance-${member}` : null,
    redeploys: Array.from({ length: plan.rounds }, (_round, round) => redeployOf(plan, round, member)),
  }))
}

function redeployOf({ startMs, everyMs, restMs, means, downMs }: Rolling, round: number, member: number): Redeploy {
  const place = round * MEMBERS + member
  return {
    atMs: startMs + place * everyMs + round * restMs,
    how: means[place] ?? 'close',
    forMs: downMs[place] ?? 0,
  }
}
