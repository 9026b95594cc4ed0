import type { CommitOutcome, GroupEvent, GroupHistory, MemberRun, RunEnd } from '../history/group-history.ts'
import type { GroupSpec } from '../trial/group-spec.ts'
import type { SimulatedProcess } from '../world/process.ts'
import type {
  Assignment,
  ConsumedRecord,
  ConsumerClient,
  ConsumerListener,
  PartitionOffset,
} from './clients/consumer-client.ts'
import type { Sink } from './sink.ts'

/** A client that cannot begin by then is given up. */
const START_PATIENCE_MS = 60_000
/** A client that cannot close by then is left behind: its process ends anyway. */
const CLOSE_PATIENCE_MS = 30_000

export interface MemberContext {
  /** The process the application runs in, one for each run. */
  readonly process: SimulatedProcess
  readonly history: GroupHistory
  readonly run: MemberRun
  readonly spec: GroupSpec
  readonly sink: Sink
  /** Makes the client, in the application's process. */
  readonly createClient: (process: SimulatedProcess, listener: ConsumerListener) => ConsumerClient
  /** The client cannot begin or has ended by itself: the application has nothing left to do. */
  readonly onGaveUp: () => void
  readonly tell: (text: string) => void
}

/**
 * An application that consumes in a group: takes one record after the other, commits as its policy says, lets the sink have
 * the effect, and writes down what comes of it. It has one client in its life, and ends with it.
 */
export class GroupMember {
  readonly #context: MemberContext
  readonly #client: ConsumerClient
  #assignment: Assignment | undefined
  #ended = false

  constructor(context: MemberContext) {
    this.#context = context
    this.#client = context.createClient(context.process, {
      assigned: assignment => this.#assigned(assignment),
      revoked: () => this.#revoked(),
      handle: record => this.#handle(record),
      committed: (offsets, generation) => this.#committed(offsets, generation),
      gaveUp: error => this.#gaveUp(error),
      log: context.tell,
    })
  }

  /** What it owns; undefined while it has no assignment. */
  get assignment(): Assignment | undefined {
    return this.#assignment
  }

  /** Begins to consume; returns at once. */
  start(): void {
    this.#note({ kind: 'started' })
    this.#context.tell('starts to consume')
    this.#within(START_PATIENCE_MS, this.#client.start()).catch((error: unknown) => this.#gaveUp(error))
  }

  /** Closes the client. Resolves with whether it is closed; one that takes too long or fails is left behind. */
  async close(): Promise<boolean> {
    const { tell } = this.#context
    tell('closes its consumer')
    try {
      await this.#within(CLOSE_PATIENCE_MS, this.#client.close())
      tell('has closed its consumer')
      this.ended('closed')
      return true
    } catch (error) {
      tell(`cannot close its consumer: ${messageOf(error)}`)
      this.ended('gave-up')
      return false
    }
  }

  /** Its process is over, or about to be. */
  ended(how: RunEnd): void {
    if (this.#ended) return
    this.#note({ kind: 'ended', how })
    this.#ended = true
    this.#assignment = undefined
  }

  get #nowMs(): number {
    return this.#context.process.world.nowMs
  }

  #assigned(assignment: Assignment): void {
    this.#assignment = assignment
    this.#note({ kind: 'assigned', ...assignment })
    this.#context.tell(`owns ${partitionsOf(assignment)} in generation ${assignment.generation}`)
  }

  #revoked(): void {
    const assignment = this.#assignment
    if (assignment === undefined) return
    this.#assignment = undefined
    this.#note({ kind: 'revoked', partitions: assignment.partitions })
    this.#context.tell(`gives up ${partitionsOf(assignment)}`)
  }

  async #handle(record: ConsumedRecord): Promise<void> {
    const { spec, sink, tell, process } = this.#context
    const { partition, offset, id } = record
    this.#note({ kind: 'delivered', partition, offset, id })
    try {
      if (spec.commit === 'before') await this.#commit(record)
      if (spec.handlerMs > 0) await new Promise<void>(resolve => process.timers.after(spec.handlerMs, resolve))
      const effect = sink.take(id)
      this.#note({ kind: 'processed', partition, offset, id, effect })
      const known = effect ? '' : ', which the sink had already'
      tell(`has processed ${id} (offset ${offset} of partition ${partition})${known}`)
      if (spec.commit === 'after') await this.#commit(record)
    } catch (error) {
      this.#note({ kind: 'handler-failed', partition, offset, id })
      throw error
    }
  }

  async #commit(record: ConsumedRecord): Promise<void> {
    const { history, run, tell } = this.#context
    const { partition } = record
    const offset = record.offset + 1
    const generation = this.#assignment?.generation
    const operation = history.invoke({
      ...run,
      partition,
      offset,
      by: 'application',
      generation,
      invokedMs: this.#nowMs,
    })
    try {
      await this.#client.commit(record)
    } catch (error) {
      history.settle(operation, this.#judge(error))
      tell(`cannot commit offset ${offset} of partition ${partition}: ${messageOf(error)}`)
      throw error
    }
    history.settle(operation, { kind: 'ok', atMs: this.#nowMs })
    tell(`has committed offset ${offset} of partition ${partition}`)
  }

  #judge(error: unknown): CommitOutcome {
    const type = this.#client.brokerErrorOf(error)
    const name = error instanceof Error ? error.name : 'unknown'
    const described = { name, message: messageOf(error), ...(type === undefined ? {} : { type }) }
    const kind = this.#client.isDefiniteRefusal(error) ? 'refused' : 'indeterminate'
    return { kind, atMs: this.#nowMs, error: described }
  }

  /** What the client committed by itself. When it asked for that is not known: after the commit before, or its assignment. */
  #committed(offsets: readonly PartitionOffset[], told: number | undefined): void {
    const { history, run, spec, tell } = this.#context
    if (spec.commit !== 'auto') return
    const generation = told ?? this.#assignment?.generation
    for (const { partition, offset } of offsets) {
      const invokedMs = this.#earliest(partition)
      const operation = history.invoke({ ...run, partition, offset, by: 'client', generation, invokedMs })
      history.settle(operation, { kind: 'ok', atMs: this.#nowMs })
      tell(`its client has committed offset ${offset} of partition ${partition}`)
    }
  }

  #earliest(partition: number): number {
    const { history, run } = this.#context
    const isSame = (other: MemberRun): boolean => other.member === run.member && other.run === run.run
    const before = history.commits.findLast(commit => commit.partition === partition && isSame(commit))
    const assigned = history.events.findLast(event => event.kind === 'assigned' && isSame(event))
    return Math.max(before?.outcome.kind === 'ok' ? before.outcome.atMs : 0, assigned?.ms ?? 0)
  }

  #gaveUp(error: unknown): void {
    if (this.#ended) return
    this.#context.tell(`its client gives up: ${messageOf(error)}`)
    this.ended('gave-up')
    this.#context.onGaveUp()
  }

  #note(event: WithoutPlace<GroupEvent>): void {
    if (!this.#ended) this.#context.history.add({ ...this.#context.run, ms: this.#nowMs, ...event })
  }

  /** Rejects when the work has not settled by then. */
  #within<T>(ms: number, work: Promise<T>): Promise<T> {
    const { timers } = this.#context.process
    return new Promise((resolve, reject) => {
      const timer = timers.after(ms, () => reject(new Error(`nothing after ${ms} ms`)))
      work.finally(() => timer.cancel()).then(resolve, reject)
    })
  }
}

type WithoutPlace<E> = E extends unknown ? Omit<E, 'ms' | keyof MemberRun> : never

function partitionsOf({ partitions }: Assignment): string {
  if (partitions.length === 0) return 'no partition'
  return `partition${partitions.length === 1 ? '' : 's'} ${partitions.join(', ')}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
