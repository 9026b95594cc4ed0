import { Admin, Producer, stringSerializers } from '@platformatic/kafka'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { GroupMemberOptions } from '../support/group-member.ts'
import { MemberProcess } from '../support/member-process.ts'
import { type RealBroker, startRealBroker } from '../support/real-broker.ts'

// Unmodified consumers, each a process of its own: of platformatic with the consumer protocol (KIP-848), KafkaJS with the classic one.
const TOPIC = 'shared'
const GROUP = 'consumers'
const PARTITIONS = 6
const ALL_PARTITIONS = Array.from({ length: PARTITIONS }, (_, partition) => partition)

let broker: RealBroker
const members: MemberProcess[] = []

beforeAll(async () => {
  broker = await startRealBroker({
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '100',
    'group.consumer.heartbeat.interval.ms': '200',
    'group.consumer.min.heartbeat.interval.ms': '200',
    'group.consumer.session.timeout.ms': '2000',
    'group.consumer.min.session.timeout.ms': '2000',
  })
  const admin = new Admin({ clientId: 'admin', bootstrapBrokers: [broker.bootstrap] })
  await admin.createTopics({ topics: [TOPIC], partitions: PARTITIONS, replicas: 1 })
  await admin.close()
})

afterEach(async () => {
  await Promise.all(members.splice(0).map(member => member.kill()))
})

afterAll(async () => {
  await broker.stop()
})

test('three members share the partitions; when one leaves and one is killed nothing is lost', {
  timeout: 90_000,
}, async () => {
  const [first, second, third] = [startMember(), startMember(), startMember()]
  await until(() => shares(first, second, third).every(share => share === 2))
  expect(covers(first, second, third)).toEqual(ALL_PARTITIONS)
  await send('all three')
  await until(() => valuesRead('all three').size === PARTITIONS)
  expect((await listed('consumer')).has(GROUP)).toBe(true)

  await first.leave()
  await send('while one leaves')
  await until(() => shares(second, third).every(share => share === 3))
  expect(covers(second, third)).toEqual(ALL_PARTITIONS)
  await until(() => valuesRead('while one leaves').size === PARTITIONS)

  await second.kill()
  await send('while one is dead')
  await until(() => shares(third)[0] === PARTITIONS)
  await until(() => valuesRead('while one is dead').size === PARTITIONS)
})

test('members of both protocols share the partitions while a group goes from one protocol to the other and back', {
  timeout: 90_000,
}, async () => {
  const classic = startMember('kafkajs', 'classic')
  await until(() => shares(classic)[0] === PARTITIONS)
  expect((await listed('classic')).has(GROUP)).toBe(true)
  await send('the classic one')
  await until(() => valuesRead('the classic one').size === PARTITIONS)

  const modern = startMember()
  await until(() => shares(classic, modern).every(share => share === PARTITIONS / 2))
  expect(covers(classic, modern)).toEqual(ALL_PARTITIONS)
  expect((await listed('consumer')).has(GROUP)).toBe(true)
  await send('both')
  await until(() => valuesRead('both').size === PARTITIONS)

  await modern.leave()
  await until(() => shares(classic)[0] === PARTITIONS)
  expect((await listed('classic')).has(GROUP)).toBe(true)
  await send('the classic one again')
  await until(() => valuesRead('the classic one again').size === PARTITIONS)
})

/** Starts a member of the group. */
function startMember(
  client: GroupMemberOptions['client'] = 'platformatic',
  groupProtocol: GroupMemberOptions['groupProtocol'] = 'consumer',
): MemberProcess {
  const bootstrap = broker.bootstrap
  const member = new MemberProcess({
    client,
    groupProtocol,
    bootstrap,
    groupId: GROUP,
    topic: TOPIC,
    sessionTimeoutMs: 6000,
    groupInstanceId: null,
  })
  members.push(member)
  return member
}

function shares(...of: readonly MemberProcess[]): number[] {
  return of.map(({ partitions }) => partitions.length)
}

function covers(...of: readonly MemberProcess[]): number[] {
  return of.flatMap(({ partitions }) => partitions).sort()
}

/** What members have read, each once: records are read at least once. */
function valuesRead(beginning: string): ReadonlySet<string> {
  return new Set(members.flatMap(({ values }) => values).filter(value => value.startsWith(`${beginning}/`)))
}

/** Sends a value to every partition, whose number it ends with. */
async function send(value: string): Promise<void> {
  const producer = new Producer({
    clientId: 'producer',
    bootstrapBrokers: [broker.bootstrap],
    serializers: stringSerializers,
  })
  const messages = ALL_PARTITIONS.map(partition => ({ topic: TOPIC, partition, value: `${value}/${partition}` }))
  await producer.send({ messages, acks: -1 })
  await producer.close()
}

/** The ids of the groups of a type. */
async function listed(type: 'classic' | 'consumer'): Promise<ReadonlySet<string>> {
  const admin = new Admin({ clientId: 'admin', bootstrapBrokers: [broker.bootstrap] })
  const groups = await admin.listGroups({ types: [type] })
  await admin.close()
  return new Set(groups.keys())
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600 && !condition(); tries += 1) await new Promise(resolve => setTimeout(resolve, 50))
  expect(condition()).toBe(true)
}
