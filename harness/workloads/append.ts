import type { History, SendOperation, SendOutcome } from '../history/history.ts'
import { keyText, NO_PARTITION, recordId, recordValue } from '../history/history.ts'
import type { ProducerSpec, SendSpec } from '../trial/scenario.ts'
import type { SimulatedProcess } from '../world/process.ts'
import type { ClientRecord, ProducerClient, Sent } from './clients/producer-client.ts'

/** How long an application waits before it tries again, virtual ms. */
const RETRY_MS = 1000
/** How long it goes on trying with one client. */
const CLIENT_PATIENCE_MS = 60_000
/** Numbers of sends of a burst are what has been sent before it, and this. */
const FIRST_SEND_OF_BURST = 500_000
/** Of a record of a burst: some of them are more than a batch holds. */
const BURST_BYTES = 2000
/** Number of the first send that is made after healing. */
export const FIRST_SEND_AFTER_HEALING = 1_000_000

export interface AppendContext {
  /** The process the application runs in. */
  readonly process: SimulatedProcess
  readonly history: History
  /** Index of the producer in the scenario. */
  readonly producer: number
  readonly spec: ProducerSpec
  readonly partitions: number
  /** Makes a client, in the application's process. */
  readonly createClient: (process: SimulatedProcess) => ProducerClient
  /** When chaos began, virtual ms: the send times of the scenario count from it. */
  readonly startMs: number
  /** The planned sends before it, in the order of their times, have been made by an earlier process. Default 0. */
  readonly firstSend?: number
  readonly tell: (text: string) => void
}

/** An application that appends: connects, makes its sends at their times, and writes down what came of them. */
export class AppendApplication {
  readonly #context: AppendContext
  readonly #open = new Map<SendOperation, Promise<void>>()
  #client: ProducerClient
  #fresh = false
  #planEndMs = Number.POSITIVE_INFINITY
  #connected = false
  #sendsAfterHealing = 0
  #nextSend: number
  #abandoned = false

  constructor(context: AppendContext) {
    this.#context = context
    this.#nextSend = context.firstSend ?? 0
    this.#client = context.createClient(context.process)
  }

  /** Makes all sends of the scenario; resolves when each has settled. */
  async run(): Promise<void> {
    const { spec, startMs } = this.#context
    if (!(await this.#connectPatiently())) return
    const sends = [...spec.sends].sort((a, b) => a.atMs - b.atMs)
    while (this.#nextSend < sends.length) {
      const send = sends[this.#nextSend] as SendSpec
      const waitMs = startMs + send.atMs - this.#nowMs
      if (waitMs > 0) await this.#sleep(waitMs)
      if (!(await this.#connectPatiently()) || this.#nowMs >= this.#planEndMs) break
      const number = this.#nextSend++
      for (const records of this.#calls(send)) {
        const settled = this.#send(number, send, records, false)
        if (spec.sequential) await settled
      }
    }
    await this.settled()
  }

  /** Which of the planned sends, in the order of their times, comes next. */
  get nextSend(): number {
    return this.#nextSend
  }

  /** Its process is about to be killed: whoever asked for what is open will never hear what became of it. */
  abandon(): void {
    this.#abandoned = true
    const error = { name: 'Killed', message: 'its process was killed' }
    for (const operation of this.#open.keys()) {
      this.#context.history.settle(operation, { kind: 'indeterminate', atMs: this.#nowMs, error })
    }
  }

  /** No planned send is begun from then on: an application that lags behind drops the rest, so that the trial can settle. */
  endPlanAt(ms: number): void {
    this.#planEndMs = ms
  }

  /**
   * Sends one record after the other until one is acknowledged: with the client there is, and when that does not get
   * through in `CLIENT_PATIENCE_MS`, with a fresh one. Resolves with whether one was, or when the patience has run out twice.
   */
  async recover(): Promise<boolean> {
    const recovered = await this.#recover()
    if (this.#open.size > 0) await this.settled()
    return recovered
  }

  /** What makes many sends at once, to one partition; undefined when it is not connected or awaits each send. */
  burst(sends: number): (() => void) | undefined {
    const { spec, history } = this.#context
    if (!this.#connected || spec.sequential) return undefined
    return () => {
      const first = FIRST_SEND_OF_BURST + history.sends.length
      for (let index = 0; index < sends; index++) {
        void this.#send(first + index, { atMs: 0, partition: 0, records: 1, bytes: BURST_BYTES }, [0], false)
      }
    }
  }

  /** What the client holds of its memory though nothing is under way; undefined where it counts none. */
  get heldBytes(): number | undefined {
    return this.#open.size > 0 ? undefined : this.#client.heldBytes?.()
  }

  async #recover(): Promise<boolean> {
    if (await this.#getThrough()) return true
    this.#fresh = true
    this.#renewClient()
    return await this.#getThrough()
  }

  async #getThrough(): Promise<boolean> {
    const deadlineMs = this.#nowMs + CLIENT_PATIENCE_MS
    while (await this.#connect(deadlineMs)) {
      const number = FIRST_SEND_AFTER_HEALING + this.#sendsAfterHealing++
      const send = { atMs: 0, partition: number, records: 1, bytes: 0 }
      const operation = await this.#send(number, send, [0], true)
      if (operation.outcome.kind === 'ok') return true
      if (this.#nowMs >= deadlineMs) return false
      await this.#sleep(RETRY_MS)
    }
    return false
  }

  /** Gives the present client up and goes on with a new one, as a supervisor that restarts a stuck component does. */
  #renewClient(): void {
    this.#context.tell('gives its client up and makes a new one')
    this.#client
      .close()
      .catch((error: unknown) => this.#context.tell(`cannot close the old client: ${messageOf(error)}`))
    this.#client = this.#context.createClient(this.#context.process)
    this.#connected = false
  }

  /** Resolves when no send is open. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open.values())
  }

  get #nowMs(): number {
    return this.#context.process.world.nowMs
  }

  #sleep(ms: number): Promise<void> {
    return new Promise(resolve => this.#context.process.timers.after(ms, resolve))
  }

  /** Whether a client is connected; tries with one after the other until the plan ends. */
  async #connectPatiently(): Promise<boolean> {
    while (!this.#connected) {
      if (this.#nowMs >= this.#planEndMs) return false
      if (!(await this.#connect(this.#nowMs + CLIENT_PATIENCE_MS))) this.#renewClient()
    }
    return true
  }

  /** Whether the client is connected; tries until the deadline. */
  async #connect(deadlineMs: number): Promise<boolean> {
    const { tell } = this.#context
    while (!this.#connected) {
      try {
        await this.#connectBy(deadlineMs)
        this.#connected = true
      } catch (error) {
        tell(`cannot connect: ${messageOf(error)}`)
        if (this.#nowMs >= deadlineMs) return false
        await this.#sleep(RETRY_MS)
      }
    }
    return true
  }

  /** One attempt. Rejects when the client cannot connect, and when it says nothing until the deadline. */
  #connectBy(deadlineMs: number): Promise<void> {
    const { timers } = this.#context.process
    return new Promise((resolve, reject) => {
      const patienceMs = deadlineMs - this.#nowMs
      const timer = timers.after(patienceMs, () => reject(new Error(`no connection after ${patienceMs} ms`)))
      const attempt = this.#client.connect().finally(() => timer.cancel())
      attempt.then(resolve, reject)
    })
  }

  /** Which records of a send go into one call of the client. */
  #calls({ records }: SendSpec): readonly (readonly number[])[] {
    const indexes = Array.from({ length: records }, (_, index) => index)
    return this.#client.oneRecordACall === true ? indexes.map(index => [index]) : [indexes]
  }

  async #send(
    number: number,
    send: SendSpec,
    indexes: readonly number[],
    afterHealing: boolean,
  ): Promise<SendOperation> {
    const { history, producer, spec, partitions, tell } = this.#context
    const key = 'key' in send ? keyText(send.key) : undefined
    const partition = 'key' in send ? NO_PARTITION : send.partition % partitions
    const ids = indexes.map(index => recordId(producer, number, index, key))
    const operation = history.invoke({
      producer,
      send: number,
      partition,
      ...(key === undefined ? {} : { key }),
      records: ids,
      acks: spec.acks,
      ...(number >= FIRST_SEND_OF_BURST ? { bytes: send.bytes } : {}),
      afterHealing,
      ...(this.#fresh ? { freshClient: true } : {}),
      invokedMs: this.#nowMs,
    })
    const records = ids.map(id => ({ key: key ?? id, value: recordValue(id, send.bytes) }))
    tell(`sends ${describeRecords(operation)} ${key === undefined ? `to partition ${partition}` : `by key ${key}`}`)
    const client = this.#client
    const sending = key === undefined ? toPartition(client, partition, records) : client.sendByKey(records)
    const settled = sending.then(
      ({ baseOffset, partition: chosen }) =>
        this.#settle(client, operation, { kind: 'ok', atMs: this.#nowMs, baseOffset }, chosen),
      (error: unknown) => this.#settle(client, operation, this.#judge(client, error)),
    )
    this.#open.set(operation, settled)
    await settled
    this.#open.delete(operation)
    return operation
  }

  #judge(client: ProducerClient, error: unknown): SendOutcome {
    const type = client.brokerErrorOf(error)
    const described = {
      name: error instanceof Error ? error.name : 'unknown',
      message: messageOf(error),
      ...(type === undefined ? {} : { type }),
    }
    return { kind: client.isDefiniteFailure(error) ? 'failed' : 'indeterminate', atMs: this.#nowMs, error: described }
  }

  #settle(client: ProducerClient, operation: SendOperation, outcome: SendOutcome, partition?: number): void {
    const { history, tell, spec } = this.#context
    if (this.#abandoned) return
    history.settle(operation, outcome, partition)
    tell(describeOutcome(operation, outcome))
    // Sends that overlap end together when their client breaks: it is given up once.
    if (spec.renewAfterError && outcome.kind !== 'ok' && client === this.#client) this.#renewClient()
  }
}

async function toPartition(client: ProducerClient, partition: number, records: readonly ClientRecord[]): Promise<Sent> {
  return { partition, baseOffset: await client.send(partition, records) }
}

function describeRecords({ records }: SendOperation): string {
  const [first] = records
  return records.length === 1 ? `${first}` : `${first} … ${records.at(-1)}`
}

function describeOutcome(operation: SendOperation, outcome: SendOutcome): string {
  const what = describeRecords(operation)
  if (outcome.kind === 'ok') {
    if (operation.acks === 0) return `${what} was handed over (acks=0: nothing is promised)`
    const where = operation.key === undefined ? '' : ` of partition ${operation.partition}`
    return `${what} is acknowledged${outcome.baseOffset === undefined ? '' : ` at offset ${outcome.baseOffset}${where}`}`
  }
  if (outcome.kind === 'pending') return `${what} is still open`
  const why = `${outcome.error.type ?? outcome.error.name}: ${outcome.error.message}`
  return outcome.kind === 'failed'
    ? `${what} failed for certain (${why})`
    : `${what} ended with ${why}: it may or may not be in the log`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
