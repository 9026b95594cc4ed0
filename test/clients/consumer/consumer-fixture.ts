import { afterEach, beforeEach, expect } from 'vitest'
import type { ConfigValues } from '../../../src/clients/abstract-config.ts'
import { KafkaConsumer, type KafkaConsumerOptions } from '../../../src/clients/consumer/kafka-consumer.ts'
import { stringSerde } from '../../../src/clients/serialization.ts'
import type { NetworkClient } from '../../../src/network/network-client.ts'
import { BrokerUnderTest } from '../../support/broker-under-test.ts'

export type TextConsumer = KafkaConsumer<string, string>

export interface ConsumerFixture {
  readonly broker: BrokerUnderTest
  /** For what tests ask of the broker themselves. */
  readonly client: NetworkClient
  consumer(config?: ConfigValues, options?: Partial<KafkaConsumerOptions<string, string>>): TextConsumer
  /** Closes a consumer before the test's end. */
  close(consumer: TextConsumer): Promise<void>
  /** The values that polls of one consumer bring until there are so many. */
  values(from: TextConsumer, count: number): Promise<string[]>
  run<T>(body: () => Promise<T>): Promise<T>
}

/** A whole broker for each test, with consumers that are closed at its end; nothing may be left then. */
export function useBroker(topics: Readonly<Record<string, number>>, config: Readonly<Record<string, string>> = {}) {
  let broker: BrokerUnderTest
  let client: NetworkClient
  const consumers = new Set<TextConsumer>()

  beforeEach(async () => {
    broker = await BrokerUnderTest.started({
      config: { 'offsets.topic.replication.factor': '1', 'group.initial.rebalance.delay.ms': '0', ...config },
    })
    client = await broker.connect()
    for (const [topic, partitions] of Object.entries(topics)) await broker.createTopic(client, topic, partitions)
  })

  afterEach(async () => {
    const left = [...consumers]
    consumers.clear()
    for (const consumer of left) await broker.run(() => consumer.close())
    client.close()
    await broker.stop()
    expect(broker.runtime.pendingTimers).toBe(0)
    expect(broker.runtime.waiting).toEqual([])
    expect(broker.runtime.crashes).toEqual([])
  })

  const fixture: ConsumerFixture = {
    get broker() {
      return broker
    },
    get client() {
      return client
    },
    consumer: (config = {}, options = {}) => {
      const bootstrap = `127.0.0.1:${broker.server.boundPort()}`
      const consumer = new KafkaConsumer(
        broker.runtime,
        { 'bootstrap.servers': bootstrap, 'auto.offset.reset': 'earliest', ...config },
        { keyDeserializer: stringSerde, valueDeserializer: stringSerde, ...options },
      )
      consumers.add(consumer)
      return consumer
    },
    close: async consumer => {
      consumers.delete(consumer)
      await broker.run(() => consumer.close())
    },
    values: async (from, count) => {
      const found: string[] = []
      for (let left = 100; found.length < count; left--) {
        if (left === 0) throw new Error(`only ${found.length} of ${count} records came`)
        for (const { value } of await broker.run(() => from.poll(1000))) found.push(`${value}`)
      }
      return found
    },
    run: body => broker.run(body),
  }
  return fixture
}
