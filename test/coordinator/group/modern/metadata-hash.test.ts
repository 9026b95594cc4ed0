import { expect, test } from 'vitest'
import { ConsumerGroupUnderTest } from '../support/consumer-group-under-test.ts'

/** Made of the bytes that Kafka's Utils.computeTopicHash describes, by xxHash's own implementation. */
const HASH_OF_ORDERS_WITH_TWO_PARTITIONS = -4648967129956908239n

test('a group keeps the hash of the topics that its members read', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 2, bills: 1 })
  coordinator.join('A')

  expect(coordinator.group.metadataHash).toBe(HASH_OF_ORDERS_WITH_TWO_PARTITIONS)
})

test('a topic that does not exist counts for nothing', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 2 })
  coordinator.join('A', { topics: ['nowhere', 'orders'] })

  expect(coordinator.group.metadataHash).toBe(HASH_OF_ORDERS_WITH_TWO_PARTITIONS)
})

test('a group that reads nothing has the hash 0', () => {
  const coordinator = new ConsumerGroupUnderTest({ orders: 2 })
  coordinator.join('A', { topics: [] })

  expect(coordinator.group.metadataHash).toBe(0n)
})
