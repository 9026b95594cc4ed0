import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RealBroker, startRealBroker } from '../support/real-broker.ts'

// @platformatic/kafka speaks the newest versions of the group APIs, with compact and tagged fields.
let broker: RealBroker

beforeAll(async () => {
  broker = await startRealBroker({
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '0',
  })
  const admin = new Admin({ clientId: 'conformance', bootstrapBrokers: [broker.bootstrap] })
  await admin.createTopics({ topics: ['read'], partitions: 2, replicas: 1 })
  await admin.close()
})

afterAll(async () => {
  await broker.stop()
})

test('a group reads a topic, commits, and goes on where it was', async () => {
  await send(['a', 'b', 'c'])
  const first = await consume(3)
  await send(['d', 'e'])
  const second = await consume(2)

  expect(first.sort()).toEqual(['a', 'b', 'c'])
  expect(second.sort()).toEqual(['d', 'e'])
})

test('the admin lists, describes and deletes the group', async () => {
  const admin = new Admin({ clientId: 'conformance', bootstrapBrokers: [broker.bootstrap] })
  try {
    const listed = await admin.listGroups()
    expect(listed.get('readers')).toMatchObject({ id: 'readers', state: 'Empty', protocolType: 'consumer' })
    const described = await admin.describeGroups({ groups: ['readers'] })
    expect(described.get('readers')).toMatchObject({ id: 'readers', state: 'Empty' })
    await admin.deleteGroups({ groups: ['readers'] })
    expect((await admin.listGroups()).has('readers')).toBe(false)
  } finally {
    await admin.close()
  }
})

async function send(values: readonly string[]): Promise<void> {
  const producer = new Producer({
    clientId: 'conformance',
    bootstrapBrokers: [broker.bootstrap],
    serializers: stringSerializers,
  })
  await producer.send({ messages: values.map(value => ({ topic: 'read', key: value, value })) })
  await producer.close()
}

/** Reads `count` records as the only member of the group, commits each and leaves. */
async function consume(count: number): Promise<string[]> {
  const consumer = new Consumer({
    clientId: 'conformance',
    groupId: 'readers',
    bootstrapBrokers: [broker.bootstrap],
    deserializers: stringDeserializers,
    sessionTimeout: 6000,
    heartbeatInterval: 200,
    maxWaitTime: 100,
  })
  const stream = await consumer.consume({
    topics: ['read'],
    mode: 'committed',
    fallbackMode: 'earliest',
    autocommit: false,
  })
  const values: string[] = []
  for await (const message of stream) {
    values.push(message.value)
    await message.commit()
    if (values.length === count) break
  }
  await consumer.close(true)
  return values
}
