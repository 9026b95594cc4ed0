/**
 * One record, as the workload identifies it: `p0-s3-r1` is the second record of the fourth send of the first producer,
 * `k2-p0-s3-r1` one that was sent by key, with its key in front.
 */
export type RecordId = string

/** @param key of a record that is sent by key */
export function recordId(producer: number, send: number, record: number, key?: string): RecordId {
  const id = `p${producer}-s${send}-r${record}`
  return key === undefined ? id : `${key}-${id}`
}

/** The key of records as they are sent by it; a partition's own records have their identity for a key. */
export function keyText(key: number): string {
  return `k${key}`
}

const KEY = /^k\d+$/
/** What fills a value up to the size asked for; no identity has it. */
const FILLING = '.'
/** Longer than any identity. */
const MAX_ID_BYTES = 100

/** The value of a record: its identity, filled up to the size asked for. */
export function recordValue(id: RecordId, bytes: number): Buffer {
  const value = Buffer.alloc(Math.max(bytes, id.length), FILLING)
  value.write(id)
  return value
}

/**
 * The identity of a record that was read: its key, or, if it was sent by key, what its value begins with, unless that speaks of
 * another key.
 *
 * @param value of which the first bytes are enough
 */
export function identityOf(key: string | undefined, value: string | Buffer | null | undefined): RecordId {
  if (key === undefined) return '(no key)'
  if (!KEY.test(key)) return key
  const text = typeof value === 'string' ? value : (value?.toString('latin1', 0, MAX_ID_BYTES) ?? '')
  const [id = ''] = text.split(FILLING, 1)
  return id.startsWith(`${key}-`) ? id : key
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
  /** Of a send by key, what the client says of it when it is done; −1 as long as it has not. */
  partition: number
  /** What its records were sent by; absent when the application named the partition. */
  readonly key?: string
  readonly records: readonly RecordId[]
  readonly acks: -1 | 0 | 1
  /** Size of the values, of a send that the scenario does not plan. */
  readonly bytes?: number
  /** Made after healing, to see whether the client recovers. */
  readonly afterHealing: boolean
  /** Made with a client that the application created anew, because the one it had did not recover. */
  readonly freshClient?: boolean
  readonly invokedMs: number
  outcome: SendOutcome
  /** How often the promise settled; anything but 1 at the end is a defect. */
  settled: number
}

/** Of a send by key of which nobody knows where it went. */
export const NO_PARTITION = -1

/** What the clients invoked and what they got back. */
export class History {
  readonly sends: SendOperation[] = []

  /** Notes a call; its outcome is pending. */
  invoke(operation: Omit<SendOperation, 'outcome' | 'settled'>): SendOperation {
    const invoked: SendOperation = { ...operation, outcome: { kind: 'pending' }, settled: 0 }
    this.sends.push(invoked)
    return invoked
  }

  /** @param partition that the client chose, for a send by key */
  settle(operation: SendOperation, outcome: SendOutcome, partition?: number): void {
    operation.settled++
    if (operation.settled !== 1) return
    operation.outcome = outcome
    if (operation.key !== undefined && partition !== undefined) operation.partition = partition
  }
}
