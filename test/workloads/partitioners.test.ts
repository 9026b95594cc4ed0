import { compatibilityPartitioner, defaultPartitioner } from '@platformatic/kafka'
import kafkajs from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { partitionForKey } from '../../src/clients/producer/built-in-partitioner.ts'

const KEYS = Array.from({ length: 2000 }, (_, index) => Buffer.from(`k${index}`))
const COUNTS = [1, 2, 3, 5, 6, 8, 12, 100]
type Place = (key: Buffer, partitions: number) => number

const kafkaJsPartitioner = kafkajs.Partitioners.DefaultPartitioner()
const kafkaJs: Place = (key, partitions) =>
  kafkaJsPartitioner({
    topic: 'records',
    partitionMetadata: Array.from({ length: partitions }, (_, partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 1,
      replicas: [1],
      isr: [1],
    })),
    message: { key, value: null },
  })
const platformatic =
  (partitioner: typeof defaultPartitioner): Place =>
  (key, partitions) =>
    partitioner({ topic: 'records' }, key) % partitions

function disagreements(place: Place, partitions: number): number {
  return KEYS.filter(key => place(key, partitions) !== partitionForKey(key, partitions)).length
}

describe('the partition of a key', () => {
  it.each(COUNTS)("is the Java client's with KafkaJS and the compatible partitioner of platformatic, of %i", count => {
    expect(disagreements(kafkaJs, count)).toBe(0)
    expect(disagreements(platformatic(compatibilityPartitioner), count)).toBe(0)
  })

  it("is another one for some half of all keys with platformatic's own partitioner, unless a power of two is counted", () => {
    const own = platformatic(defaultPartitioner)

    for (const count of [1, 2, 8]) expect(disagreements(own, count)).toBe(0)
    for (const count of [3, 5, 6, 12, 100]) {
      expect(disagreements(own, count)).toBeGreaterThan(800)
      expect(disagreements(own, count)).toBeLessThan(1200)
    }
  })
})
