import { Admin, Producer, stringSerializers } from '@platformatic/kafka'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fetchBatches, fetchValues, type RealBroker, startRealBroker } from '../support/real-broker.ts'

// @platformatic/kafka speaks the newest versions of most APIs, with compact and tagged fields.
let broker: RealBroker

beforeAll(async () => {
  broker = await startRealBroker()
})

afterAll(async () => {
  await broker.stop()
})

test('the admin creates topics, looks at them and deletes them', async () => {
  const admin = new Admin({ clientId: 'conformance', bootstrapBrokers: [broker.bootstrap] })

  const created = await admin.createTopics({ topics: ['admin'], partitions: 2, replicas: 1 })
  const listed = await admin.listTopics()
  await admin.deleteTopics({ topics: ['admin'] })
  await admin.close()

  expect(created).toMatchObject([{ name: 'admin', partitions: 2, replicas: 1 }])
  expect(listed).toContain('admin')
})

test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
  'a producer stores records with codec %s',
  async codec => {
    const topic = `codec-${codec}`
    const values = Array.from({ length: 100 }, (_, index) => `${codec} ${index} ${'.'.repeat(50)}`)

    await withProducer({ compression: codec }, producer =>
      producer.send({ messages: values.map(value => ({ topic, key: 'k', value })) }),
    )

    expect(await fetchValues(broker, topic)).toEqual(values)
    expect((await fetchBatches(broker, topic)).map(batch => batch.compression)).toEqual([codec])
  },
)

test('an idempotent producer with acks all stores each send once, in order', async () => {
  await withProducer({ idempotent: true, acks: -1 }, async producer => {
    for (let index = 0; index < 20; index++) {
      await producer.send({ messages: [{ topic: 'once', key: 'k', value: `${index}` }] })
    }
  })

  expect(await fetchValues(broker, 'once')).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`))
})

type StringProducer = Producer<string, string, string, string>

async function withProducer(
  options: { compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'; idempotent?: boolean; acks?: number },
  body: (producer: StringProducer) => Promise<unknown>,
): Promise<void> {
  const producer: StringProducer = new Producer({
    clientId: 'conformance',
    bootstrapBrokers: [broker.bootstrap],
    serializers: stringSerializers,
    autocreateTopics: true,
    ...options,
  })
  try {
    await body(producer)
  } finally {
    await producer.close()
  }
}
