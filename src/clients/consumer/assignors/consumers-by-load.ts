import type { TopicPartition } from '../../../protocol/topic-partition.ts'
import { compareStrings } from '../../topic-partition-map.ts'

/** Consumers, those with the fewest partitions first; equal ones by member id. */
export class ConsumersByLoad implements Iterable<string> {
  readonly #assignments: ReadonlyMap<string, readonly TopicPartition[]>
  readonly #sorted: string[] = []

  constructor(assignments: ReadonlyMap<string, readonly TopicPartition[]>) {
    this.#assignments = assignments
  }

  get first(): string | undefined {
    return this.#sorted[0]
  }

  get last(): string | undefined {
    return this.#sorted.at(-1)
  }

  /** Takes its place by the partitions that it has now. */
  add(consumer: string): void {
    const load = this.#loadOf(consumer)
    const index = this.#sorted.findIndex(other => {
      const difference = load - this.#loadOf(other)
      return difference < 0 || (difference === 0 && compareStrings(consumer, other) < 0)
    })
    this.#sorted.splice(index < 0 ? this.#sorted.length : index, 0, consumer)
  }

  remove(consumer: string): void {
    const index = this.#sorted.indexOf(consumer)
    if (index >= 0) this.#sorted.splice(index, 1)
  }

  [Symbol.iterator](): IterableIterator<string> {
    return this.#sorted.values()
  }

  #loadOf(consumer: string): number {
    return this.#assignments.get(consumer)?.length ?? 0
  }
}
