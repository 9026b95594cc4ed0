import type { Evidence } from '../../harness/checkers/evidence.ts'
import type { GroupEvidence } from '../../harness/checkers/group-evidence.ts'
import type { CommitOperation, CommitOutcome, GroupEvent, MemberRun } from '../../harness/history/group-history.ts'
import { GroupHistory } from '../../harness/history/group-history.ts'
import type { GroupSpec } from '../../harness/trial/group-spec.ts'
import { healthy, log } from './support.ts'

export const GROUP: GroupSpec = {
  client: 'kafkajs',
  protocol: 'classic',
  assignor: 'roundrobin',
  commit: 'after',
  autoCommitIntervalMs: null,
  handlerMs: 1,
  sink: 'none',
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 30_000,
  heartbeatIntervalMs: 3000,
  members: [
    { startMs: 0, instanceId: null, redeploys: [] },
    { startMs: 0, instanceId: null, redeploys: [] },
  ],
}

/** The records of partition 0 in the order of their offsets; partition 1 has none. */
export const RECORDS = ['p0-s0-r0', 'p0-s0-r1', 'p0-s1-r0'] as const

/** Writes down what members of a group do, one virtual millisecond after the other. */
export class GroupScript {
  readonly history = new GroupHistory()
  readonly #spec: GroupSpec
  readonly #generations = new Map<number, number>()
  readonly #runs = new Map<number, number>()
  #ms = 0

  constructor(spec: Partial<GroupSpec> = {}) {
    this.#spec = { ...GROUP, ...spec }
  }

  started(member: number): this {
    this.#runs.set(member, (this.#runs.get(member) ?? 0) + 1)
    return this.#add(member, { kind: 'started' })
  }

  assigned(member: number, generation: number, ...partitions: readonly number[]): this {
    this.#generations.set(member, generation)
    return this.#add(member, { kind: 'assigned', generation, memberId: `m${member}`, partitions })
  }

  /** All it owned. */
  revoked(member: number, ...partitions: readonly number[]): this {
    return this.#add(member, { kind: 'revoked', partitions })
  }

  delivered(member: number, offset: number): this {
    return this.#add(member, { kind: 'delivered', ...recordAt(offset) })
  }

  /** Delivered and processed. */
  processed(member: number, offset: number, effect = true): this {
    return this.delivered(member, offset).#add(member, { kind: 'processed', ...recordAt(offset), effect })
  }

  failed(member: number, offset: number): this {
    return this.#add(member, { kind: 'handler-failed', ...recordAt(offset) })
  }

  killed(member: number): this {
    return this.#add(member, { kind: 'ended', how: 'killed' })
  }

  commit(member: number, offset: number, outcome: CommitOutcome['kind'] = 'ok', change: CommitChange = {}): this {
    const operation = this.history.invoke({
      ...this.#run(member),
      partition: 0,
      offset,
      by: 'application',
      generation: this.#generations.get(member),
      invokedMs: ++this.#ms,
      ...change,
    })
    const atMs = ++this.#ms
    if (outcome === 'ok') this.history.settle(operation, { kind: 'ok', atMs })
    else if (outcome !== 'pending') {
      this.history.settle(operation, { kind: outcome, atMs, error: { name: 'KafkaJSError', message: 'no' } })
    }
    return this
  }

  /** Evidence with this group in it, with `RECORDS` in the log. */
  evidence(committed: number, change: Partial<GroupEvidence> = {}): Evidence {
    const group: GroupEvidence = {
      groupId: 'group-0',
      spec: this.#spec,
      events: this.history.events,
      commits: this.history.commits,
      dropped: this.history.dropped,
      committed: [committed, -1],
      recovery: { converged: true, tookMs: 10, missing: [] },
      closed: [],
      ...change,
    }
    return healthy({ groups: [group], logs: [log(RECORDS), log([], { partition: 1 })] })
  }

  #run(member: number): MemberRun {
    return { member, run: this.#runs.get(member) ?? 1 }
  }

  #add(member: number, event: WithoutPlace<GroupEvent>): this {
    this.history.add({ ...this.#run(member), ms: ++this.#ms, ...event })
    return this
  }
}

type CommitChange = Partial<Pick<CommitOperation, 'by' | 'generation' | 'invokedMs'>>
type WithoutPlace<E> = E extends unknown ? Omit<E, 'ms' | keyof MemberRun> : never

function recordAt(offset: number) {
  return { partition: 0, offset, id: RECORDS[offset] ?? `unknown-${offset}` }
}

/** A group of which nothing can be said: its members take turns, and commit after each record. */
export function soundGroup(spec: Partial<GroupSpec> = {}): GroupScript {
  return new GroupScript(spec)
    .started(0)
    .started(1)
    .assigned(0, 1, 0)
    .assigned(1, 1, 1)
    .processed(0, 0)
    .commit(0, 1)
    .killed(0)
    .assigned(1, 2, 0, 1)
    .processed(1, 1)
    .commit(1, 2)
    .processed(1, 2)
    .commit(1, 3)
}
