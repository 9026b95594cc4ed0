import type { RecordId, SendError } from './history.ts'

/** A run of a member: its place in the scenario, and which of its starts. */
export interface MemberRun {
  /** Place of the member in its group, from 0. */
  readonly member: number
  /** 1 for the first start; a new process and a new client each. */
  readonly run: number
}

/** How a run ended: its client closed or gave up, or its process was killed. */
export type RunEnd = 'closed' | 'gave-up' | 'killed'

/** What a member saw or did. */
export type GroupEvent = MemberRun & { readonly ms: number } & (
    | { readonly kind: 'started' }
    /** The group gave it these partitions of the topic, and no others. */
    | {
        readonly kind: 'assigned'
        readonly generation: number
        /** What the coordinator calls it. */
        readonly memberId: string
        readonly partitions: readonly number[]
      }
    /** Its client told that it no longer owns them: it rejoins, or has left. */
    | { readonly kind: 'revoked'; readonly partitions: readonly number[] }
    /** Its client handed a record to the application. */
    | { readonly kind: 'delivered'; readonly partition: number; readonly offset: number; readonly id: RecordId }
    /** The application is done with a record that was delivered. */
    | {
        readonly kind: 'processed'
        readonly partition: number
        readonly offset: number
        readonly id: RecordId
        /** Whether the sink took its effect; false when it had it already. */
        readonly effect: boolean
      }
    /** The application's handler of a record ended with an error, before or after it was processed: it could not commit. */
    | { readonly kind: 'handler-failed'; readonly partition: number; readonly offset: number; readonly id: RecordId }
    | { readonly kind: 'ended'; readonly how: RunEnd }
  )

/**
 * How a commit ended. `refused` is only what certainly was not applied: the coordinator refused it, and so it did every
 * attempt of the client. Everything else that is not `ok` is `indeterminate`.
 */
export type CommitOutcome =
  | { readonly kind: 'pending' }
  | { readonly kind: 'ok'; readonly atMs: number }
  | { readonly kind: 'refused' | 'indeterminate'; readonly atMs: number; readonly error: SendError }

/** A commit of one partition's offset. */
export interface CommitOperation extends MemberRun {
  readonly partition: number
  /** The first record that is not done. */
  readonly offset: number
  /** By whom it was asked for: the application, or its client on its own. */
  readonly by: 'application' | 'client'
  /** The generation the member was in; undefined when it is not known. */
  readonly generation: number | undefined
  /** When it was asked for, virtual ms; of a commit `by` the client the earliest time at which that can have been. */
  readonly invokedMs: number
  /** How many events its group's history had by then. */
  readonly invokedAfter: number
  outcome: CommitOutcome
  /** How often it settled; anything but 1 at the end is a defect, unless its run was killed. */
  settled: number
}

/** A trial of a few seconds has some thousands; of what comes later only the number is kept, and nothing is judged. */
const MAX_ENTRIES = 200_000

/** What the members of a group saw and did, in order. */
export class GroupHistory {
  readonly events: GroupEvent[] = []
  readonly commits: CommitOperation[] = []
  dropped = 0
  /** Called after each event. */
  onEvent: ((event: GroupEvent) => void) | undefined

  add(event: GroupEvent): void {
    if (this.#isFull()) return
    this.events.push(event)
    this.onEvent?.(event)
  }

  /** Notes a commit that is asked for; its outcome is pending. */
  invoke(operation: Omit<CommitOperation, 'outcome' | 'settled' | 'invokedAfter'>): CommitOperation {
    const invoked: CommitOperation = {
      ...operation,
      invokedAfter: this.events.length,
      outcome: { kind: 'pending' },
      settled: 0,
    }
    if (!this.#isFull()) this.commits.push(invoked)
    return invoked
  }

  settle(operation: CommitOperation, outcome: CommitOutcome): void {
    operation.settled++
    if (operation.settled === 1) operation.outcome = outcome
  }

  #isFull(): boolean {
    const full = this.events.length + this.commits.length >= MAX_ENTRIES
    if (full) this.dropped++
    return full
  }
}
