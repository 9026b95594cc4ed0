import { Admin, Producer, stringSerializers } from '@platformatic/kafka'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { GroupMemberOptions } from '../support/group-member.ts'
import { MemberProcess } from '../support/member-process.ts'
import { type RealBroker, startRealBroker } from '../support/real-broker.ts'

const PARTITIONS = 6
const ALL_PARTITIONS = Array.from({ length: PARTITIONS }, (_, partition) => partition)
const SESSION_TIMEOUT_MS = 2000
/** Longer than a process needs to start on a busy machine. */
const STATIC_SESSION_TIMEOUT_MS = 20_000
const CLIENTS = ['kafkajs', 'platformatic'] as const

let broker: RealBroker
const members: MemberProcess[] = []

beforeAll(async () => {
  broker = await startRealBroker({
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '300',
    'group.min.session.timeout.ms': '500',
  })
})

afterEach(async () => {
  await Promise.all(members.splice(0).map(member => member.kill()))
})

afterAll(async () => {
  await broker.stop()
})

describe.each(CLIENTS)('three members that use %s', client => {
  test('share the partitions; those that stay have them all soon after one was killed', {
    timeout: 60_000,
  }, async () => {
    const group = await groupOfThree(client)
    const [killed, ...others] = group.members

    await killed?.kill()
    await until(() => partitionsOf(others).length === PARTITIONS)

    expect(partitionsOf(others)).toEqual(ALL_PARTITIONS)
    await send(group.topic, ['after'])
    await until(() => group.values('after').size === PARTITIONS)
  })

  test('lose no record when they restart one after the other', { timeout: 90_000 }, async () => {
    const group = await groupOfThree(client)
    const sent: string[] = []
    for (const index of group.members.keys()) {
      await group.members[index]?.leave()
      await sendNumbered(group.topic, sent, 20)
      group.members[index] = newMember(client, group.topic)
      await until(() => partitionsOf(group.members).length === PARTITIONS && everybodyHasSome(group.members))
      await sendNumbered(group.topic, sent, 20)
    }

    await until(() => group.values('#').size === sent.length * PARTITIONS)
  })
})

describe('three static members', () => {
  test('restart, and even crash, one after the other: nobody rebalances', { timeout: 90_000 }, async () => {
    const names = ['a', 'b', 'c']
    const group = await groupOfThree('platformatic', names)
    const before = group.members.map(member => member.partitions)
    const joins = () => group.members.map(member => member.joins)
    const joinsBefore = joins()
    const generation = group.members[0]?.generation

    for (const [index, name] of names.entries()) {
      await group.members[index]?.kill()
      const restarted = newMember('platformatic', group.topic, name)
      group.members[index] = restarted
      joinsBefore[index] = 1
      await until(() => restarted.joins > 0)
      expect(restarted.generation).toBe(generation)
    }
    await new Promise(resolve => setTimeout(resolve, 2000))

    expect(group.members.map(member => member.partitions)).toEqual(before)
    expect(joins()).toEqual(joinsBefore)
  })

  test('that share a name: the later one has the place of the earlier one', { timeout: 60_000 }, async () => {
    const topic = await newTopic()
    const first = newMember('platformatic', topic, 'same')
    await until(() => first.partitions.length === PARTITIONS)

    const second = newMember('platformatic', topic, 'same')
    await until(() => second.partitions.length === PARTITIONS)
    await send(topic, ['for the later one'])
    await until(() => second.values.length === PARTITIONS)

    expect(second.generation).toBe(first.generation)
    expect(await memberNames(topic)).toEqual(['same'])
  })
})

function newMember(
  client: GroupMemberOptions['client'],
  topic: string,
  groupInstanceId: string | null = null,
): MemberProcess {
  const { bootstrap } = broker
  const sessionTimeoutMs = groupInstanceId === null ? SESSION_TIMEOUT_MS : STATIC_SESSION_TIMEOUT_MS
  const groupId = `group-of-${topic}`
  const member = new MemberProcess({ client, bootstrap, groupId, topic, sessionTimeoutMs, groupInstanceId })
  members.push(member)
  return member
}

/** Three members, each with its share of the partitions. */
async function groupOfThree(
  client: GroupMemberOptions['client'],
  names: readonly (string | null)[] = [null, null, null],
) {
  const topic = await newTopic()
  const group = names.map(name => newMember(client, topic, name))
  const all = [...group]
  await until(() => partitionsOf(group).length === PARTITIONS && everybodyHasSome(group))
  expect(partitionsOf(group)).toEqual(ALL_PARTITIONS)
  return {
    topic,
    members: group,
    values: (beginning: string) => valuesRead([...new Set([...all, ...members])], beginning),
  }
}

/** What they have read, each once: records are read at least once, also by members that have been replaced. */
function valuesRead(readers: readonly MemberProcess[], beginning: string): ReadonlySet<string> {
  return new Set(readers.flatMap(({ values }) => values).filter(value => value.startsWith(beginning)))
}

function partitionsOf(group: readonly MemberProcess[]): number[] {
  return group.flatMap(({ partitions }) => partitions).sort()
}

function everybodyHasSome(group: readonly MemberProcess[]): boolean {
  return group.every(({ partitions }) => partitions.length > 0)
}

let topics = 0

async function newTopic(): Promise<string> {
  topics += 1
  const topic = `topic-${topics}`
  const admin = new Admin({ clientId: 'admin', bootstrapBrokers: [broker.bootstrap] })
  await admin.createTopics({ topics: [topic], partitions: PARTITIONS, replicas: 1 })
  await admin.close()
  return topic
}

/** The names of the static members that the broker knows. */
async function memberNames(topic: string): Promise<unknown[]> {
  const groupId = `group-of-${topic}`
  const admin = new Admin({ clientId: 'admin', bootstrapBrokers: [broker.bootstrap] })
  const groups = await admin.describeGroups({ groups: [groupId] })
  await admin.close()
  return [...(groups.get(groupId)?.members.values() ?? [])].map(({ groupInstanceId }) => groupInstanceId)
}

/** Sends each value to every partition, whose number it ends with. */
async function send(topic: string, values: readonly string[]): Promise<void> {
  const producer = new Producer({
    clientId: 'producer',
    bootstrapBrokers: [broker.bootstrap],
    serializers: stringSerializers,
  })
  const messages = values.flatMap(value =>
    ALL_PARTITIONS.map(partition => ({ topic, partition, value: `${value}/${partition}` })),
  )
  await producer.send({ messages, acks: -1 })
  await producer.close()
}

async function sendNumbered(topic: string, sent: string[], count: number): Promise<void> {
  const values = Array.from({ length: count }, (_, index) => `#${sent.length + index}`)
  sent.push(...values)
  await send(topic, values)
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600 && !condition(); tries += 1) await new Promise(resolve => setTimeout(resolve, 50))
  expect(condition()).toBe(true)
}
