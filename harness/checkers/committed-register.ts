import type { CommitOperation } from '../history/group-history.ts'
import type { GroupEvidence } from './group-evidence.ts'

/** What a partition's committed offset is before anybody has committed: consumers begin where the log does. */
export const NOTHING_COMMITTED = -1

/** A commit that was applied at some time from its beginning to its end, or, without `certain`, perhaps never. */
interface Write {
  readonly offset: number
  readonly beginMs: number
  readonly endMs: number
  readonly certain: boolean
}

/**
 * A partition's committed offset as a register: commits write it, the fetch of a member that begins to consume, and the last
 * look, read it. What a read may return is what linearizability allows: the value of a commit that had begun by the end of
 * the read, unless another one began after it had ended and ended before the read began.
 */
export class CommittedRegister {
  readonly #writes: readonly Write[]

  constructor(evidence: GroupEvidence, partition: number) {
    const commits = evidence.commits.filter(commit => commit.partition === partition)
    const known = commits.flatMap(writeOf)
    const unseen = evidence.spec.commit === 'auto' ? unseenWrites(evidence, partition, commits) : []
    this.#writes = [...known, ...unseen]
  }

  /** What a read that began and ended then may have returned. */
  admissible(beginMs: number, endMs: number): Set<number> {
    const certain = this.#writes.filter(write => write.certain && write.endMs < beginMs)
    const isReplaced = ({ endMs: end }: Pick<Write, 'endMs'>): boolean => certain.some(later => end < later.beginMs)
    const initial = { offset: NOTHING_COMMITTED, beginMs: Number.NEGATIVE_INFINITY, endMs: Number.NEGATIVE_INFINITY }
    const candidates = [initial, ...this.#writes.filter(write => write.beginMs <= endMs)]
    return new Set(candidates.filter(write => !isReplaced(write)).map(({ offset }) => offset))
  }
}

function writeOf({ offset, invokedMs: beginMs, outcome }: CommitOperation): Write[] {
  if (outcome.kind === 'refused') return []
  const certain = outcome.kind === 'ok'
  return [{ offset, beginMs, endMs: certain ? outcome.atMs : Number.POSITIVE_INFINITY, certain }]
}

/**
 * Of the commits of a client on its own only those are known that succeeded. Before each of them it may have tried others,
 * one after the other, of any offset after a record it had handed over.
 */
function unseenWrites({ events }: GroupEvidence, partition: number, commits: readonly CommitOperation[]): Write[] {
  const writes: Write[] = []
  for (const event of events) {
    if (event.kind !== 'processed' && event.kind !== 'delivered') continue
    if (event.partition !== partition) continue
    const { member, run, ms: beginMs } = event
    const next = commits.find(
      ({ outcome, ...commit }) =>
        commit.member === member && commit.run === run && outcome.kind === 'ok' && outcome.atMs >= beginMs,
    )
    const endMs = next?.outcome.kind === 'ok' ? next.outcome.atMs : Number.POSITIVE_INFINITY
    writes.push({ offset: event.offset + 1, beginMs, endMs, certain: false })
  }
  return writes
}
