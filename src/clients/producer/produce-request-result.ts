import { Condition } from '../../runtime/condition.ts'
import type { Runtime } from '../../runtime/runtime.ts'

/** Whether a batch is done with, and the batches that it was split into (Kafka's ProduceRequestResult). */
export class ProduceRequestResult {
  readonly #changed: Condition
  readonly #dependents: ProduceRequestResult[] = []
  #completed = false

  constructor(runtime: Runtime) {
    this.#changed = new Condition(runtime, 'ProduceRequestResult.await')
  }

  get completed(): boolean {
    return this.#completed
  }

  /** This is over only when that is. */
  addDependent(result: ProduceRequestResult): void {
    this.#dependents.push(result)
  }

  done(): void {
    this.#completed = true
    this.#changed.signalAll()
  }

  /** Waits for this and for all that it was split into. */
  async awaitAllDependents(): Promise<void> {
    while (!this.#completed) await this.#changed.wait()
    for (const dependent of this.#dependents) await dependent.awaitAllDependents()
  }
}
