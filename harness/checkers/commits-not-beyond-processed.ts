import type { CommitOperation } from '../history/group-history.ts'
import { atTime } from './describe.ts'
import type { Checker, Evidence, LoggedRecord, Violation } from './evidence.ts'
import type { GroupEvidence } from './group-evidence.ts'
import { commitText, judgedGroups, memberName } from './group-support.ts'

/**
 * A group that commits after processing never commits beyond what it has processed: when a commit is asked for, every record
 * of the healed log below its offset has been processed by some member (`commit-beyond-processed`). Of each partition the
 * first such commit is told.
 */
export const commitsNotBeyondProcessed: Checker = evidence =>
  judgedGroups(evidence).flatMap(group => {
    if (group.spec.commit === 'before') return []
    return evidence.logs.flatMap(log => firstBeyond(group, log))
  })

function firstBeyond(group: GroupEvidence, { partition, records }: Evidence['logs'][number]): Violation[] {
  const commits = group.commits.filter(commit => commit.partition === partition)
  const processed = new Set<number>()
  let seen = 0
  let frontier = 0
  for (const commit of commits) {
    for (; seen < commit.invokedAfter; seen++) {
      const event = group.events[seen]
      if (event?.kind === 'processed' && event.partition === partition) processed.add(event.offset)
    }
    while (frontier < records.length && processed.has((records[frontier] as LoggedRecord).offset)) frontier++
    const missing = records[frontier]
    if (missing !== undefined && missing.offset < commit.offset) return [violation(group, commit, missing)]
  }
  return []
}

function violation(group: GroupEvidence, commit: CommitOperation, { id, offset }: LoggedRecord): Violation {
  const who = memberName(group, commit)
  const when = commit.outcome.kind === 'ok' ? commit.outcome.atMs : commit.invokedMs
  return {
    guarantee: 'commits-not-beyond-processed',
    kind: 'commit-beyond-processed',
    message: `At ${atTime(when)} ${who} committed ${commitText(commit)}, but nobody had processed record ${id} at offset ${offset}.`,
  }
}
