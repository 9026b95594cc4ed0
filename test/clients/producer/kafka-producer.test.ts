import { describe, expect, test } from 'vitest'
import type { ConfigValues } from '../../../src/clients/abstract-config.ts'
import { KafkaProducer, type ProducerOptions } from '../../../src/clients/producer/kafka-producer.ts'
import { stringSerde } from '../../../src/clients/serialization.ts'
import { BrokerUnderTest } from '../../support/broker-under-test.ts'

function producerFor(
  broker: BrokerUnderTest,
  config: ConfigValues = {},
  options: Partial<ProducerOptions<string, string>> = {},
): KafkaProducer<string, string> {
  const bootstrap = { 'bootstrap.servers': `127.0.0.1:${broker.server.boundPort()}` }
  return new KafkaProducer<string, string>(
    broker.runtime,
    { ...bootstrap, ...config },
    {
      keySerializer: stringSerde,
      valueSerializer: stringSerde,
      onWarning: message => {
        throw new Error(message)
      },
      ...options,
    },
  )
}

describe('a producer against a broker', () => {
  test('sends records and tells where they are', async () => {
    const broker = await BrokerUnderTest.started()
    const client = await broker.connect()
    await broker.createTopic(client, 'orders')
    const producer = producerFor(broker)
    const sent = await broker.run(() =>
      Promise.all(['a', 'b', 'c'].map(value => producer.send({ topic: 'orders', key: 'k', value }))),
    )
    expect(sent.map(({ topic, partition, offset }) => ({ topic, partition, offset }))).toEqual([
      { topic: 'orders', partition: 0, offset: 0 },
      { topic: 'orders', partition: 0, offset: 1 },
      { topic: 'orders', partition: 0, offset: 2 },
    ])
    await broker.run(() => producer.close())
    client.close()
    await broker.stop()
  })
})
