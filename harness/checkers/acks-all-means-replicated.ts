import { acknowledgedOffset, isAcknowledged } from './acknowledged.ts'
import { atTime, recordsOf } from './describe.ts'
import type { Checker, Evidence, Violation } from './evidence.ts'
import type { PartitionReplay } from './partition-replay.ts'
import { replayPartitions } from './replay.ts'

/**
 * What is committed is on every in-sync replica (`in-sync-replica-lacks-committed`), of which there are as many as
 * `min.insync.replicas` asks for (`committed-below-min-isr`); who they are is the controller's to say
 * (`isr-was-not-committed`), what is committed a leader's that has them (`unearned-high-watermark`). A send with acks=all is
 * acknowledged only once it is committed (`acknowledged-before-committed`), and when all is quiet in the end, everything is
 * (`uncommitted-at-end`).
 */
export const acksAllMeansReplicated: Checker = evidence => {
  const replays = replayPartitions(evidence)
  const violations = replays.flatMap(replay => replay.violations)
  return [
    ...violations.filter(({ guarantee }) => guarantee === 'acks-all-means-replicated'),
    ...acknowledgedTooSoon(evidence, replays),
    ...uncommittedAtEnd(evidence),
  ]
}

function uncommittedAtEnd({ partitions, replicas, recovery, scenario, observed, endedMs }: Evidence): Violation[] {
  if (!recovery.recovered) return []
  return partitions.flatMap(({ partition, leader }): Violation[] => {
    const replica = replicas.find(({ node, partition: number }) => node === leader && number === partition)
    if (replica?.highWatermark === undefined) return []
    // What was on its way for long may still come between the last look and the end.
    const late = observed.events.find(
      event => event.kind === 'leader-append' && event.partition === partition && event.ms > endedMs,
    )
    const lateOffset = late?.kind === 'leader-append' ? late.baseOffset : Number.POSITIVE_INFINITY
    const { highWatermark } = replica
    const endOffset = Math.min(replica.endOffset, lateOffset)
    if (highWatermark >= endOffset) return []
    const what = `All replicas of ${scenario.cluster.topic.name}-${partition} are in sync and nothing is written any more`
    const but = `node ${leader}, which leads, has the high watermark ${highWatermark} in a log that ends at ${endOffset}`
    return [{ guarantee: 'acks-all-means-replicated', kind: 'uncommitted-at-end', message: `${what}, but ${but}.` }]
  })
}

function acknowledgedTooSoon({ history, observed }: Evidence, replays: readonly PartitionReplay[]): Violation[] {
  const seenUntilMs = observed.dropped > 0 ? (observed.events.at(-1)?.ms ?? 0) : Number.POSITIVE_INFINITY
  const violations: Violation[] = []
  for (const send of history.sends) {
    if (!isAcknowledged(send) || send.acks !== -1) continue
    const baseOffset = acknowledgedOffset(send)
    const { atMs } = send.outcome
    if (baseOffset === undefined || atMs >= seenUntilMs) continue
    const end = baseOffset + send.records.length
    const committed = replays[send.partition]?.commits.some(commit => commit.end >= end && commit.ms <= atMs)
    if (committed === true) continue
    violations.push({
      guarantee: 'acks-all-means-replicated',
      kind: 'acknowledged-before-committed',
      message: `The send of ${recordsOf(send)} by producer ${send.producer} with acks=all was acknowledged at ${atTime(atMs)} with offset ${baseOffset} of partition ${send.partition}, but no leader had a high watermark of ${end} by then.`,
    })
  }
  return violations
}
