import type {
  ConsumedRecord,
  ConsumerClient,
  ConsumerListener,
} from '../../harness/workloads/clients/consumer-client.ts'

/** What a scripted consumer does; by default everything succeeds at once. */
export interface ConsumerScript {
  readonly start?: () => Promise<void>
  readonly commit?: (record: ConsumedRecord) => Promise<void>
  readonly close?: () => Promise<void>
}

export class RefusedError extends Error {
  override readonly name = 'RefusedError'
}

/** A consumer that does what it is told, and lets a test play the part of its group. */
export class ScriptedConsumer implements ConsumerClient {
  readonly listener: ConsumerListener
  readonly committed: number[] = []
  readonly #script: ConsumerScript

  constructor(listener: ConsumerListener, script: ConsumerScript) {
    this.listener = listener
    this.#script = script
  }

  async start(): Promise<void> {
    await this.#script.start?.()
  }

  async commit(record: ConsumedRecord): Promise<void> {
    await this.#script.commit?.(record)
    this.committed.push(record.offset + 1)
  }

  async close(): Promise<void> {
    await this.#script.close?.()
  }

  brokerErrorOf(error: unknown): string | undefined {
    return error instanceof RefusedError ? 'ILLEGAL_GENERATION' : undefined
  }

  isDefiniteRefusal(error: unknown): boolean {
    return error instanceof RefusedError
  }
}
