/** One record, as the workload identifies it: `p0-s3-r1` is the second record of the fourth send of the first producer. */
export type RecordId = string

export function recordId(producer: number, send: number, record: number): RecordId {
  return `p${producer}-s${send}-r${record}`
}

export interface SendError {
  readonly name: string
  readonly message: string
  /** Kafka's name for the error, `MESSAGE_TOO_LARGE`, when a broker answered it; undefined otherwise. */
  readonly type?: string
}

/**
 * How a send ended. `failed` is only what certainly left no record (the broker refused it, or it never left the
 * client); everything that leaves the outcome open (timeout, disconnect …) is `indeterminate`.
 */
export type SendOutcome =
  | { readonly kind: 'pending' }
  | { readonly kind: 'ok'; readonly atMs: number; readonly baseOffset: number | undefined }
  | { readonly kind: 'failed'; readonly atMs: number; readonly error: SendError }
  | { readonly kind: 'indeterminate'; readonly atMs: number; readonly error: SendError }

/** One call of `send` by an application. */
export interface SendOperation {
  readonly producer: number
  /** Number of the call within its producer, in the order of the calls. */
  readonly send: number
  readonly partition: number
  readonly records: readonly RecordId[]
  readonly acks: -1 | 0 | 1
  /** Made after healing, to see whether the client recovers. */
  readonly afterHealing: boolean
  /** Made with a client that the application created anew, because the one it had did not recover. */
  readonly freshClient?: boolean
  readonly invokedMs: number
  outcome: SendOutcome
  /** How often the promise settled; anything but 1 at the end is a defect. */
  settled: number
}

/** What the clients invoked and what they got back. */
export class History {
  readonly sends: SendOperation[] = []

  /** Notes a call; its outcome is pending. */
  invoke(operation: Omit<SendOperation, 'outcome' | 'settled'>): SendOperation {
    const invoked: SendOperation = { ...operation, outcome: { kind: 'pending' }, settled: 0 }
    this.sends.push(invoked)
    return invoked
  }

  settle(operation: SendOperation, outcome: SendOutcome): void {
    operation.settled++
    if (operation.settled === 1) operation.outcome = outcome
  }
}
