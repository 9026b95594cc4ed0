import { CompressionTypes, ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fetchValues, type RealBroker, startRealBroker } from '../support/real-broker.ts'

let broker: RealBroker
let kafka: Kafka

beforeAll(async () => {
  broker = await startRealBroker()
  kafka = new Kafka({ brokers: [broker.bootstrap], clientId: 'conformance', logLevel: logLevel.NOTHING })
})

afterAll(async () => {
  await broker.stop()
})

test('the admin creates, lists, describes, grows and deletes topics', async () => {
  await withAdmin(async admin => {
    const entry = { name: 'retention.ms', value: '1000' }
    await admin.createTopics({ topics: [{ topic: 'admin', numPartitions: 2, configEntries: [entry] }] })
    expect(await admin.listTopics()).toContain('admin')
    const { topics } = await admin.fetchTopicMetadata({ topics: ['admin'] })
    expect(topics[0]?.partitions.map(({ leader }) => leader)).toEqual([1, 1])

    await admin.createPartitions({ topicPartitions: [{ topic: 'admin', count: 3 }] })
    await until(async () => (await admin.fetchTopicMetadata({ topics: ['admin'] })).topics[0]?.partitions.length === 3)

    const resources = [{ type: ConfigResourceTypes.TOPIC, name: 'admin', configNames: ['retention.ms'] }]
    const described = await admin.describeConfigs({ resources, includeSynonyms: true })
    expect(described.resources[0]?.configEntries[0]).toMatchObject({ configName: 'retention.ms', configValue: '1000' })

    await admin.deleteTopics({ topics: ['admin'] })
    await until(async () => !(await admin.listTopics()).includes('admin'))
  })
})

test('the admin alters configurations, describes the cluster and sees errors as Kafka names them', async () => {
  await withAdmin(async admin => {
    await admin.createTopics({ topics: [{ topic: 'altered' }] })
    const configEntries = [{ name: 'max.message.bytes', value: '5000' }]
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: 'altered', configEntries }]
    await admin.alterConfigs({ validateOnly: false, resources })

    const cluster = await admin.describeCluster()
    expect(cluster).toMatchObject({ controller: 1, clusterId: broker.server.clusterId })
    expect(cluster.brokers).toMatchObject([{ nodeId: 1 }])
    expect(await admin.createTopics({ topics: [{ topic: 'altered' }] })).toBe(false)
    const bad = [
      { type: ConfigResourceTypes.TOPIC, name: 'altered', configEntries: [{ name: 'nonsense', value: '1' }] },
    ]
    await expect(admin.alterConfigs({ validateOnly: false, resources: bad })).rejects.toMatchObject({
      type: 'INVALID_CONFIG',
    })
  })
})

test('the admin tells offsets and deletes records', async () => {
  await withAdmin(async admin => {
    await admin.createTopics({ topics: [{ topic: 'offsets' }] })
    await withProducer({}, producer =>
      producer.send({ topic: 'offsets', messages: ['a', 'b', 'c'].map(value => ({ value })) }),
    )

    expect(await admin.fetchTopicOffsets('offsets')).toMatchObject([{ offset: '3', high: '3', low: '0' }])
    await admin.deleteTopicRecords({ topic: 'offsets', partitions: [{ partition: 0, offset: '2' }] })
    expect(await admin.fetchTopicOffsets('offsets')).toMatchObject([{ high: '3', low: '2' }])
    expect(await admin.fetchTopicOffsetsByTimestamp('offsets', 0)).toMatchObject([{ partition: 0, offset: '2' }])
  })
})

test.each([
  ['acks all', {}, { acks: -1 }],
  ['acks 1', {}, { acks: 1 }],
  ['idempotence', { idempotent: true }, {}],
  ['gzip', {}, { compression: CompressionTypes.GZIP }],
])('a producer with %s stores its records in order', async (name, producerOptions, sendOptions) => {
  const topic = name.replaceAll(' ', '-')
  const values = Array.from({ length: 200 }, (_, index) => `${name} ${index}`)

  await withProducer(producerOptions, async producer => {
    for (let from = 0; from < values.length; from += 20) {
      const messages = values.slice(from, from + 20).map(value => ({ key: value, value, headers: { part: `${from}` } }))
      const [sent] = await producer.send({ topic, messages, ...sendOptions })
      expect(sent).toMatchObject({ errorCode: 0, baseOffset: `${from}` })
    }
  })

  expect(await fetchValues(broker, topic)).toEqual(values)
})

test('without acknowledgement records arrive as well', async () => {
  await withProducer({}, async producer => {
    await producer.send({ topic: 'careless', messages: [{ value: 'sent' }], acks: 1 })
    await producer.send({ topic: 'careless', messages: [{ value: 'and forgotten' }], acks: 0 })
    await until(async () => (await fetchValues(broker, 'careless')).length === 2)
  })
})

test('after a restart of the broker the same producer goes on, and everything is there', async () => {
  await withProducer({ idempotent: true }, async producer => {
    await producer.send({ topic: 'restarted', messages: [{ value: 'before' }] })
    await broker.restart()
    await producer.send({ topic: 'restarted', messages: [{ value: 'after' }] })
  })

  expect(await fetchValues(broker, 'restarted')).toEqual(['before', 'after'])
})

async function withAdmin(body: (admin: ReturnType<Kafka['admin']>) => Promise<unknown>): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    await body(admin)
  } finally {
    await admin.disconnect()
  }
}

async function withProducer(
  options: Parameters<Kafka['producer']>[0],
  body: (producer: ReturnType<Kafka['producer']>) => Promise<unknown>,
): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: true, ...options })
  await producer.connect()
  try {
    await body(producer)
  } finally {
    await producer.disconnect()
  }
}

async function until(reached: () => Promise<boolean>): Promise<void> {
  while (!(await reached())) await new Promise(resolve => setTimeout(resolve, 10))
}
