import { partitionKey } from '../../protocol/topic-partition.ts'
import type { ProducerBatch } from './producer-batch.ts'

/** The batches of each partition that are under way, oldest first (Sender.inFlightBatches). */
export class InFlightBatches {
  readonly #batches = new Map<string, ProducerBatch[]>()

  add(batch: ProducerBatch): void {
    const key = partitionKey(batch.topicPartition)
    const batches = this.#batches.get(key)
    if (batches === undefined) this.#batches.set(key, [batch])
    else batches.push(batch)
  }

  remove(batch: ProducerBatch): void {
    const key = partitionKey(batch.topicPartition)
    const batches = this.#batches.get(key)
    const index = batches?.indexOf(batch) ?? -1
    if (batches === undefined || index < 0) return
    batches.splice(index, 1)
    if (batches.length === 0) this.#batches.delete(key)
  }

  clear(): void {
    this.#batches.clear()
  }

  /**
   * Takes out what is older than `delivery.timeout.ms`.
   *
   * @param stays is told of the oldest of each partition that is not
   */
  takeExpired(deliveryTimeoutMs: number, nowMs: number, stays: (batch: ProducerBatch) => void): ProducerBatch[] {
    const expired: ProducerBatch[] = []
    for (const [key, batches] of this.#batches) {
      let first = batches[0]
      for (; first?.hasReachedDeliveryTimeout(deliveryTimeoutMs, nowMs); first = batches[0]) {
        batches.shift()
        expired.push(first)
      }
      if (first === undefined) this.#batches.delete(key)
      else stays(first)
    }
    return expired
  }
}
