import type { ConsumerRebalanceListener } from '../../../src/clients/consumer/consumer-rebalance-listener.ts'
import { partitionKey, type TopicPartition } from '../../../src/protocol/topic-partition.ts'
import type { ConsumerFixture, TextConsumer } from './consumer-fixture.ts'

export const keys = (partitions: readonly TopicPartition[]) => partitions.map(partitionKey).sort()

/** What a consumer's listener heard, in order. */
export class Journal implements ConsumerRebalanceListener {
  readonly entries: string[] = []

  onPartitionsRevoked(partitions: readonly TopicPartition[]): void {
    this.entries.push(`revoked ${keys(partitions)}`)
  }

  onPartitionsAssigned(partitions: readonly TopicPartition[]): void {
    this.entries.push(`assigned ${keys(partitions)}`)
  }

  onPartitionsLost(partitions: readonly TopicPartition[]): void {
    this.entries.push(`lost ${keys(partitions)}`)
  }
}

/** Polls several consumers at the same time until something holds. */
export async function pollUntil(
  { run }: ConsumerFixture,
  consumers: readonly TextConsumer[],
  holds: () => boolean,
): Promise<void> {
  for (let left = 500; !holds(); left--) {
    if (left === 0) throw new Error('it does not come')
    await run(() => Promise.all(consumers.map(consumer => consumer.poll(100))))
  }
}
