import { COMMIT_ON_THEIR_OWN_AFTER_PROCESSING } from '../explore/group-promises.ts'
import type { Workforce } from '../explore/worker-pool.ts'
import { runVerdict, type VerdictCampaignResult } from './campaign.ts'
import type { VerdictConfiguration } from './configuration.ts'
import type { VerdictConsumer } from './consumer-configuration.ts'
import type { JudgedName } from './guarantee-groups.ts'
import type { VerdictPlan } from './plan.ts'
import { promiseFor } from './promises.ts'

/** One setting to change. */
export interface Change {
  /** `min.insync.replicas=2` */
  readonly setting: string
  readonly apply: (configuration: VerdictConfiguration) => VerdictConfiguration
}

/** A configuration that was tried in place of the broken one. */
export interface Attempt {
  readonly changes: readonly Change[]
  readonly result: VerdictCampaignResult
  /** What was broken before held in all its trials. */
  readonly held: boolean
}

export interface Suggestion {
  /** The smallest change that held; undefined when none did in the time there was. */
  readonly found: Attempt | undefined
  readonly attempts: readonly Attempt[]
  /** Changes that could not be tried, because time was up. */
  readonly untried: number
}

export interface SuggestOptions {
  readonly plan: VerdictPlan
  /** What was broken. */
  readonly judge: readonly JudgedName[]
  readonly runSeed: string
  /** Trials that a change has to survive. */
  readonly trials: number
  /** No change is tried after this time, ms. */
  readonly timeMs?: number
  readonly nowMs: () => number
  readonly onAttempt?: (changes: readonly Change[]) => void
  readonly signal?: AbortSignal
}

/** Changes together that are tried at most; more of them are another configuration, not a change of this one. */
const MAX_CHANGES = 3

/** Every single setting that may help, those with the least cost for throughput and availability first. */
export function changesFor(configuration: VerdictConfiguration, broken: readonly JudgedName[]): Change[] {
  const { producer, replicationFactor, minInsyncReplicas, uncleanLeaderElection, eligibleLeaderReplicas } =
    configuration
  const changes: Change[] = []
  const { consumer } = configuration
  const delivering = broken.includes('at-least-once') || broken.includes('effectively-once')
  const losing = broken.includes('loss') || broken.includes('commits') || delivering
  const add = (wanted: boolean, setting: string, apply: Change['apply']): void => {
    if (wanted) changes.push({ setting, apply })
  }
  if (consumer !== undefined && delivering) {
    const { commit, sink } = consumer
    const isAhead = commit === 'auto' && !consumer.clients.every(name => COMMIT_ON_THEIR_OWN_AFTER_PROCESSING.has(name))
    const afterwards: Change['apply'] = before => withConsumer(before, { commit: 'after' })
    add(commit === 'before', 'commit=after', afterwards)
    add(isAhead, 'enable.auto.commit=false', afterwards)
    add(broken.includes('effectively-once') && sink === 'none', 'sink=idempotent', before =>
      withConsumer(before, { sink: 'idempotent' }),
    )
  }
  add(losing && producer.acks !== -1, 'acks=all', before => withProducer(before, { acks: -1 }))
  add(losing && uncleanLeaderElection, 'unclean.leader.election.enable=false', before => ({
    ...before,
    uncleanLeaderElection: false,
  }))
  for (let least = minInsyncReplicas + 1; losing && least <= replicationFactor; least++) {
    add(true, `min.insync.replicas=${least}`, before => ({ ...before, minInsyncReplicas: least }))
  }
  add(losing && !eligibleLeaderReplicas, 'eligible.leader.replicas.version=1', before => ({
    ...before,
    eligibleLeaderReplicas: true,
  }))
  add(losing && configuration.flushMessages !== 1, 'log.flush.interval.messages=1', before => ({
    ...before,
    flushMessages: 1,
  }))
  const mixed = broken.includes('duplicates') || broken.includes('order')
  add(mixed && !producer.idempotent, 'enable.idempotence=true', before =>
    withProducer(before, {
      acks: -1,
      idempotent: true,
      maxInFlight: undefined,
      retries: undefined,
      sequential: true,
      renewAfterError: true,
    }),
  )
  add(broken.includes('order') && producer.sequential !== true, 'max.in.flight.requests.per.connection=1', before =>
    withProducer(before, { maxInFlight: 1, sequential: true }),
  )
  return changes
}

function withConsumer(configuration: VerdictConfiguration, change: Partial<VerdictConsumer>): VerdictConfiguration {
  const { consumer } = configuration
  return consumer === undefined ? configuration : { ...configuration, consumer: { ...consumer, ...change } }
}

function withProducer(
  configuration: VerdictConfiguration,
  change: Partial<VerdictConfiguration['producer']>,
): VerdictConfiguration {
  return { ...configuration, producer: { ...configuration.producer, ...change } }
}

/**
 * What a change of settings is looked for. Of a group: what Kafka and the client promise with some of the changes; and not that no record is
 * processed twice, since who never repeats one skips some instead. What people want then is an effect once, which is judged as well.
 */
export function worthMending(plan: VerdictPlan, broken: readonly JudgedName[]): JudgedName[] {
  const { configuration } = plan
  if (configuration.consumer === undefined) return [...broken]
  const candidates = combinations(changesFor(configuration, broken)).map(changes => changed(configuration, changes))
  return broken.filter(
    name =>
      name !== 'at-most-once' &&
      candidates.some(candidate => promiseFor(name, { ...plan, configuration: candidate }).promised),
  )
}

function changed(configuration: VerdictConfiguration, changes: readonly Change[]): VerdictConfiguration {
  return changes.reduce((before, change) => change.apply(before), configuration)
}

/** Sets of changes: one alone, then two, then three; two values of one setting never go together. */
export function combinations(changes: readonly Change[]): Change[][] {
  const sets: Change[][] = []
  for (let size = 1; size <= MAX_CHANGES; size++) choose(changes, size, 0, [], sets)
  return sets
}

function choose(
  changes: readonly Change[],
  size: number,
  from: number,
  chosen: readonly Change[],
  sets: Change[][],
): void {
  if (chosen.length === size) {
    sets.push([...chosen])
    return
  }
  for (const [index, change] of changes.entries()) {
    if (index < from || chosen.some(other => keyOf(other) === keyOf(change))) continue
    choose(changes, size, index + 1, [...chosen, change], sets)
  }
}

function keyOf({ setting }: Change): string {
  return setting.slice(0, setting.indexOf('='))
}

/** Looks for the smallest change with which what was broken holds. What breaks is not shrunk: only what holds is of interest. */
export async function suggest(workforce: Workforce, options: SuggestOptions): Promise<Suggestion> {
  const { plan, judge, runSeed, trials, timeMs = Number.POSITIVE_INFINITY, nowMs, signal } = options
  const startedMs = nowMs()
  const sets = combinations(changesFor(plan.configuration, judge))
  const attempts: Attempt[] = []
  for (const changes of sets) {
    const leftMs = timeMs - (nowMs() - startedMs)
    if (leftMs <= 0 || signal?.aborted) break
    options.onAttempt?.(changes)
    const configuration = changed(plan.configuration, changes)
    const result = await runVerdict(workforce, {
      plan: { ...plan, configuration },
      runSeed,
      trials,
      judge,
      shrinkLimits: { maxTrials: 0, maxMs: 0 },
      untilBroken: true,
      ...(timeMs === Number.POSITIVE_INFINITY ? {} : { timeMs: leftMs }),
      ...(signal === undefined ? {} : { signal }),
    })
    const ranAll = result.totals.trials >= trials
    const attempt = { changes, result, held: ranAll && result.outcomes.every(({ broken }) => broken === undefined) }
    attempts.push(attempt)
    if (attempt.held) return { found: attempt, attempts, untried: 0 }
  }
  return { found: undefined, attempts, untried: sets.length - attempts.length }
}
