import { type Consumer, type ConsumerConfig, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RealBroker, startRealBroker } from '../support/real-broker.ts'

const GROUP_CONFIG = {
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '4',
  'group.initial.rebalance.delay.ms': '0',
}

let broker: RealBroker
let kafka: Kafka

beforeAll(async () => {
  broker = await startRealBroker(GROUP_CONFIG)
  kafka = new Kafka({ brokers: [broker.bootstrap], clientId: 'groups', logLevel: logLevel.NOTHING })
})

afterAll(async () => {
  await broker.stop()
})

test('a group reads a topic, commits, and goes on where it was', async () => {
  await createTopic('first', 2)
  await send('first', ['a', 'b', 'c', 'd'])

  const before = await consume('readers', 'first', 4)
  await send('first', ['e', 'f'])
  const after = await consume('readers', 'first', 2)

  expect(before.sort()).toEqual(['a', 'b', 'c', 'd'])
  expect(after.sort()).toEqual(['e', 'f'])
})

test('two members share the partitions, and the one that stays gets all of them', async () => {
  await createTopic('shared', 4)
  const first = await member('sharing', 'shared')
  const second = await member('sharing', 'shared')
  await until(() => first.partitions().length === 2 && second.partitions().length === 2)
  expect([...first.partitions(), ...second.partitions()].sort()).toEqual([0, 1, 2, 3])

  await second.consumer.disconnect()
  await until(() => first.partitions().length === 4)
  await first.consumer.disconnect()
})

test('the admin lists, describes, resets and deletes groups', async () => {
  await createTopic('administered', 1)
  await send('administered', ['a', 'b'])
  await consume('administered-group', 'administered', 2)
  const admin = kafka.admin()
  await admin.connect()
  try {
    const { groups } = await admin.listGroups()
    expect(groups).toContainEqual({ groupId: 'administered-group', protocolType: 'consumer' })
    const described = await admin.describeGroups(['administered-group', 'nobody'])
    expect(described.groups).toMatchObject([
      { groupId: 'administered-group', state: 'Empty', members: [], errorCode: 0 },
      { groupId: 'nobody', state: 'Dead', members: [], errorCode: 0 },
    ])
    const fetched = await admin.fetchOffsets({ groupId: 'administered-group', topics: ['administered'] })
    expect(fetched).toMatchObject([{ topic: 'administered', partitions: [{ partition: 0, offset: '2' }] }])

    const partitions = [{ partition: 0, offset: '1' }]
    await admin.setOffsets({ groupId: 'administered-group', topic: 'administered', partitions })
    expect(await consume('administered-group', 'administered', 1)).toEqual(['b'])

    await admin.deleteGroups(['administered-group'])
    const gone = await admin.fetchOffsets({ groupId: 'administered-group', topics: ['administered'] })
    expect(gone).toMatchObject([{ partitions: [{ offset: '-1' }] }])
    await expect(admin.deleteGroups(['administered-group'])).rejects.toMatchObject({
      groups: [{ groupId: 'administered-group', errorCode: 69 }],
    })
  } finally {
    await admin.disconnect()
  }
})

test('what a group has committed is there after the broker was restarted', async () => {
  await createTopic('lasting', 1)
  await send('lasting', ['a', 'b', 'c'])
  await consume('lasting-group', 'lasting', 3)

  await broker.restart()
  await send('lasting', ['d'])

  expect(await consume('lasting-group', 'lasting', 1)).toEqual(['d'])
})

async function createTopic(topic: string, numPartitions: number): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions }] })
  await admin.disconnect()
}

async function send(topic: string, values: readonly string[]): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: values.map(value => ({ value })) })
  await producer.disconnect()
}

/** Reads `count` records as the only member of a group, commits them and leaves. */
async function consume(groupId: string, topic: string, count: number): Promise<string[]> {
  const consumer = newConsumer({ groupId })
  const values: string[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      values.push(String(message.value))
    },
  })
  await until(() => values.length >= count)
  await consumer.disconnect()
  return values
}

/** A member that only holds partitions. */
async function member(groupId: string, topic: string) {
  const consumer = newConsumer({ groupId })
  let partitions: readonly number[] = []
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    partitions = payload.memberAssignment[topic] ?? []
  })
  await consumer.connect()
  await consumer.subscribe({ topic })
  await consumer.run({ eachMessage: async () => {} })
  return { consumer, partitions: () => partitions }
}

function newConsumer(config: ConsumerConfig): Consumer {
  return kafka.consumer({ sessionTimeout: 6000, heartbeatInterval: 100, maxWaitTimeInMs: 100, ...config })
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !condition(); tries++) await new Promise(resolve => setTimeout(resolve, 50))
  expect(condition()).toBe(true)
}
