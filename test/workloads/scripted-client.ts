import type { ClientRecord, ProducerClient, Sent } from '../../harness/workloads/clients/producer-client.ts'
import type { World } from '../../harness/world/world.ts'

/** How long a step of a script takes, and how it ends. */
export interface Step {
  readonly takesMs?: number
  /** Never settles. */
  readonly hangs?: true
  /** Rejects with this; else it resolves. */
  readonly error?: Error
  /** What the broker gave, for a send that succeeds. */
  readonly baseOffset?: number
}

/** An error after which nothing is certain, unless `definite`. */
export class ScriptedError extends Error {
  override readonly name = 'ScriptedError'
  readonly definite: boolean
  readonly type: string | undefined

  constructor(message: string, options: { readonly definite?: boolean; readonly type?: string } = {}) {
    super(message)
    this.definite = options.definite ?? false
    this.type = options.type
  }
}

/** What clients did, by virtual time: `0 client 1 connects`. */
export class ScriptLog {
  readonly lines: string[] = []
  readonly #world: World
  #clients = 0

  constructor(world: World) {
    this.#world = world
  }

  note(what: string): void {
    this.lines.push(`${Math.round(this.#world.nowMs)} ${what}`)
  }

  nextClient(): number {
    return ++this.#clients
  }

  async carryOut({ takesMs = 0, hangs, error, baseOffset }: Step): Promise<number | undefined> {
    if (takesMs > 0) await this.#world.sleep(takesMs)
    if (hangs) return await new Promise<never>(() => undefined)
    if (error !== undefined) throw error
    return baseOffset
  }
}

export interface Script {
  /** The nth connection attempt of the client, from 0. */
  connect?(nth: number): Step
  /** The nth send of the client, from 0. */
  send?(nth: number, partition: number): Step
  close?(): Step
  /** Where a key goes; default 0. */
  partitionOf?(key: string): number
}

/** A client that does what its script says. */
export class ScriptedClient implements ProducerClient {
  readonly number: number
  readonly #script: Script
  readonly #log: ScriptLog
  #connects = 0
  #sends = 0

  constructor(log: ScriptLog, script: (client: number) => Script) {
    this.#log = log
    this.number = log.nextClient()
    this.#script = script(this.number)
  }

  async connect(): Promise<void> {
    this.#log.note(`client ${this.number} connects`)
    await this.#log.carryOut(this.#script.connect?.(this.#connects++) ?? {})
  }

  async send(partition: number, records: readonly ClientRecord[]): Promise<number | undefined> {
    this.#log.note(`client ${this.number} sends ${records.map(({ key }) => key).join(' ')} to ${partition}`)
    return await this.#log.carryOut(this.#script.send?.(this.#sends++, partition) ?? {})
  }

  async sendByKey(records: readonly ClientRecord[]): Promise<Sent> {
    const partition = this.#script.partitionOf?.(records[0]?.key ?? '') ?? 0
    return { partition, baseOffset: await this.send(partition, records) }
  }

  async close(): Promise<void> {
    this.#log.note(`client ${this.number} closes`)
    await this.#log.carryOut(this.#script.close?.() ?? {})
  }

  isDefiniteFailure(error: unknown): boolean {
    return error instanceof ScriptedError && error.definite
  }

  brokerErrorOf(error: unknown): string | undefined {
    return error instanceof ScriptedError ? error.type : undefined
  }
}
