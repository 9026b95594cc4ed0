import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ConfigValues } from '../../../src/clients/abstract-config.ts'
import { KafkaConsumer } from '../../../src/clients/consumer/kafka-consumer.ts'
import { WakeupException } from '../../../src/clients/errors.ts'
import { stringSerde } from '../../../src/clients/serialization.ts'
import type { NetworkClient } from '../../../src/network/network-client.ts'
import { BrokerUnderTest } from '../../support/broker-under-test.ts'

// A whole broker and a consumer without a group.
describe('a consumer with assigned partitions', () => {
  let broker: BrokerUnderTest
  let client: NetworkClient
  const consumers: KafkaConsumer<string, string>[] = []

  beforeEach(async () => {
    broker = await BrokerUnderTest.started()
    client = await broker.connect()
    await broker.createTopic(client, 'orders', 2)
  })

  afterEach(async () => {
    for (const consumer of consumers.splice(0)) await broker.run(() => consumer.close())
    client.close()
    await broker.stop()
    expect(broker.runtime.pendingTimers).toBe(0)
  })

  const orders = (partition: number) => ({ topic: 'orders', partition })

  function consumer(config: ConfigValues = {}): KafkaConsumer<string, string> {
    const made = new KafkaConsumer(broker.runtime, {
      config: {
        'bootstrap.servers': `127.0.0.1:${broker.server.boundPort()}`,
        'auto.offset.reset': 'earliest',
        ...config,
      },
      keyDeserializer: stringSerde,
      valueDeserializer: stringSerde,
    })
    consumers.push(made)
    return made
  }

  /** The values that polls bring until there are so many. */
  async function values(from: KafkaConsumer<string, string>, count: number): Promise<string[]> {
    const found: string[] = []
    while (found.length < count) {
      for (const { value } of await broker.run(() => from.poll(60_000))) found.push(`${value}`)
    }
    return found
  }

  test('reads from the start, in order, and waits for more', async () => {
    await broker.produce(client, 'orders', ['a', 'b', 'c'])
    const reader = consumer()
    await broker.run(() => reader.assign([orders(0), orders(1)]))

    expect(await values(reader, 3)).toEqual(['a', 'b', 'c'])
    const waiting = reader.poll(10_000)
    await broker.produce(client, 'orders', ['d'], { partition: 1 })
    const records = await broker.run(() => waiting)
    expect([...records].map(({ value, offset, partition }) => [value, offset, partition])).toEqual([['d', 0, 1]])
    expect(await broker.run(() => reader.position(orders(0)))).toBe(3)
  })

  test('ends a poll that brings nothing in time', async () => {
    const reader = consumer()
    await broker.run(() => reader.assign([orders(0)]))
    const startMs = broker.runtime.clock.monotonicMs()
    const records = await broker.run(() => reader.poll(2000))
    expect(records.isEmpty).toBe(true)
    expect(broker.runtime.clock.monotonicMs() - startMs).toBe(2000)
  })

  test('is woken up', async () => {
    const reader = consumer()
    await broker.run(() => reader.assign([orders(0)]))
    const waiting = broker.run(() => reader.poll(60_000))
    reader.wakeup()
    await expect(waiting).rejects.toThrow(WakeupException)
  })
})
