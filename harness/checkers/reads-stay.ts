import { atTime } from './describe.ts'
import type { Checker, Evidence, LoggedRecord, ReadRecord, Violation } from './evidence.ts'
import type { PartitionReplay } from './partition-replay.ts'
import { replayPartitions } from './replay.ts'

/**
 * What a consumer was shown, by whichever replica, was committed then (`read-before-committed`), and is in the log in the
 * end, in the same place (`read-record-missing`, `read-record-replaced`), unless it has fallen below the log's start, or an
 * unclean election or a damaged disk explains why not. Who asks in a leader epoch is shown nothing of a later one
 * (`read-of-later-epoch`): it is told that the epoch is over (KIP-320).
 */
export const readsStay: Checker = evidence => {
  const replays = replayPartitions(evidence)
  const finals = new Map(evidence.logs.map(log => [log.partition, new Map(log.records.map(at => [at.offset, at]))]))
  const violations: Violation[] = []
  for (const read of evidence.reads) {
    const replay = replays[read.partition]
    if (replay === undefined) continue
    if (tooSoon(read, replay, evidence)) {
      violations.push(violation('read-before-committed', read, 'no leader had committed it by then'))
    }
    if (read.askedEpoch >= 0 && read.epoch > read.askedEpoch) {
      const but = `it is of epoch ${read.epoch}, and was asked for in epoch ${read.askedEpoch}`
      violations.push(violation('read-of-later-epoch', read, but))
    }
    const final = finals.get(read.partition)
    if (final === undefined || replay.isExplained || isDeleted(read, evidence)) continue
    const there = final.get(read.offset)
    if (there === undefined) violations.push(violation('read-record-missing', read, 'in the end nothing is there'))
    else if (!isSame(there, read))
      violations.push(violation('read-record-replaced', read, `in the end ${told(there, read)}`))
  }
  return violations
}

function tooSoon(read: ReadRecord, { commits }: PartitionReplay, { observed }: Evidence): boolean {
  const { ms, offset } = read
  if (observed.dropped > 0 && ms >= (observed.events.at(-1)?.ms ?? 0)) return false
  return !commits.some(commit => commit.end > offset && commit.ms <= ms)
}

function isDeleted({ partition, offset }: ReadRecord, { logs }: Evidence): boolean {
  return offset < (logs.find(log => log.partition === partition)?.logStartOffset ?? 0)
}

function isSame(there: LoggedRecord, { id, valueCrc }: ReadRecord): boolean {
  return there.id === id && there.valueCrc === valueCrc
}

function told({ id }: LoggedRecord, read: ReadRecord): string {
  return id === read.id ? 'it has another value' : `${id} is there`
}

function violation(kind: string, { ms, node, partition, offset, id }: ReadRecord, but: string): Violation {
  const what = `At ${atTime(ms)} node ${node} showed record ${id} at offset ${offset} of partition ${partition}`
  return { guarantee: 'reads-stay', kind, message: `${what}, but ${but}.` }
}
