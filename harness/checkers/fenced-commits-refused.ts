import type { CommitOperation, GroupEvent } from '../history/group-history.ts'
import { atTime } from './describe.ts'
import type { Checker, Violation } from './evidence.ts'
import type { GroupEvidence } from './group-evidence.ts'
import { commitText, judgedGroups, memberName, runKey } from './group-support.ts'

/**
 * A commit by a member of an older generation is refused: none that was asked for after a newer generation had given out its
 * assignments succeeds (`stale-commit-accepted`). In a cooperative rebalance (KIP-429) a member that keeps what it commits may be
 * in the newer generation before its client tells it, at the next poll. With the consumer protocol (KIP-848) each member has an
 * epoch of its own, and the coordinator looks at nothing else: there none succeeds that was asked for after the partition had been
 * given to another member, who committed as its owner afterwards (`commit-of-another-accepted`).
 */
export const fencedCommitsRefused: Checker = evidence =>
  judgedGroups(evidence).flatMap(group =>
    group.spec.protocol === 'consumer' ? commitsOfOthers(group) : staleCommits(group),
  )

function commitsOfOthers(group: GroupEvidence): Violation[] {
  return group.commits.flatMap(commit => {
    if (commit.outcome.kind !== 'ok') return []
    const { atMs } = commit.outcome
    const newer = group.events.slice(0, commit.invokedAfter).findLast(event => isGiven(event, commit.partition))
    if (newer?.kind !== 'assigned' || runKey(newer) === runKey(commit) || newer.ms >= commit.invokedMs) return []
    const until = group.events.find(
      event =>
        runKey(event) === runKey(newer) && event.ms > newer.ms && !isGiven(event, commit.partition) && ends(event),
    )
    const isStillOwner = group.commits.some(
      other =>
        runKey(other) === runKey(newer) &&
        other.outcome.kind === 'ok' &&
        other.invokedMs > atMs &&
        other.outcome.atMs < (until?.ms ?? Number.POSITIVE_INFINITY),
    )
    return isStillOwner ? [commitOfAnother(group, commit, newer)] : []
  })
}

function isGiven(event: GroupEvent, partition: number): boolean {
  return event.kind === 'assigned' && event.partitions.includes(partition)
}

function ends({ kind }: GroupEvent): boolean {
  return kind === 'assigned' || kind === 'revoked' || kind === 'ended'
}

function staleCommits(group: GroupEvidence): Violation[] {
  return group.commits.flatMap(commit => {
    const { generation, invokedMs, outcome } = commit
    if (generation === undefined || outcome.kind !== 'ok') return []
    const newer = group.events.find(
      event => event.kind === 'assigned' && event.ms < invokedMs && event.generation > generation,
    )
    if (newer?.kind !== 'assigned' || wasInIt(group, commit, newer.generation)) return []
    return [violation(group, commit, generation, newer.generation, newer.ms)]
  })
}

/** Whether what a member of a cooperative group was told next is that it still owns the partition, in a generation as new. */
function wasInIt({ spec, events }: GroupEvidence, commit: CommitOperation, generation: number): boolean {
  if (spec.assignor !== 'cooperative-sticky') return false
  const next = events
    .slice(commit.invokedAfter)
    .find(event => runKey(event) === runKey(commit) && ['assigned', 'revoked', 'ended'].includes(event.kind))
  return next?.kind === 'assigned' && next.generation >= generation && next.partitions.includes(commit.partition)
}

function violation(
  group: GroupEvidence,
  commit: CommitOperation,
  generation: number,
  newer: number,
  newerMs: number,
): Violation {
  const who = `${memberName(group, commit)}, of generation ${generation},`
  return {
    guarantee: 'fenced-commits-refused',
    kind: 'stale-commit-accepted',
    message: `At ${atTime(commit.invokedMs)} ${who} asked to commit ${commitText(commit)} and succeeded, although generation ${newer} had begun by ${atTime(newerMs)}.`,
  }
}

function commitOfAnother(
  group: GroupEvidence,
  commit: CommitOperation,
  owner: Extract<GroupEvent, { readonly kind: 'assigned' }>,
): Violation {
  const since = `${memberName(group, owner)} had owned that partition since ${atTime(owner.ms)}`
  return {
    guarantee: 'fenced-commits-refused',
    kind: 'commit-of-another-accepted',
    message: `At ${atTime(commit.invokedMs)} ${memberName(group, commit)} asked to commit ${commitText(commit)} and succeeded, although ${since}.`,
  }
}
