import type { CommitOperation, MemberRun } from '../history/group-history.ts'
import type { Evidence, LoggedRecord } from './evidence.ts'
import type { GroupEvidence } from './group-evidence.ts'

/** The groups whose members' doings were written down whole. */
export function judgedGroups({ groups }: Evidence): GroupEvidence[] {
  return groups.filter(({ dropped }) => dropped === 0)
}

/** `member 1 of group-0`, with the number of its start if it was not the first. */
export function memberName({ groupId }: GroupEvidence, { member, run }: MemberRun): string {
  return `member ${member} of ${groupId}${run === 1 ? '' : ` (start ${run})`}`
}

/** A key for maps by run. */
export function runKey({ member, run }: MemberRun): string {
  return `${member}/${run}`
}

/** A key for maps by record. */
export function placeKey({ partition, offset }: { readonly partition: number; readonly offset: number }): string {
  return `${partition}/${offset}`
}

/** What of a partition's healed log lies below what the group has committed in the end. */
export function recordsBelowCommit(
  { logs }: Evidence,
  { committed }: GroupEvidence,
): { readonly partition: number; readonly committed: number; readonly record: LoggedRecord }[] {
  return logs.flatMap(({ partition, records }) => {
    const end = committed[partition] ?? -1
    return records.filter(({ offset }) => offset < end).map(record => ({ partition, committed: end, record }))
  })
}

/** The offset of the first record of a partition's healed log at or after an offset; undefined when there is none. */
export function nextRecord(records: readonly LoggedRecord[], offset: number): number | undefined {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((records[middle] as LoggedRecord).offset < offset) low = middle + 1
    else high = middle
  }
  return records[low]?.offset
}

export function commitText({ partition, offset }: CommitOperation): string {
  return `offset ${offset} of partition ${partition}`
}
