import { expect, test } from 'vitest'
import { AlterConfigs } from '../../src/protocol/apis/alter-configs.ts'
import { DescribeConfigs } from '../../src/protocol/apis/describe-configs.ts'
import { ConfigOperation, IncrementalAlterConfigs } from '../../src/protocol/apis/incremental-alter-configs.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { BrokerUnderTest } from '../support/broker-under-test.ts'

const TOPIC = 2
const BROKER = 4
const { SET, DELETE, APPEND } = ConfigOperation

type Change = readonly [key: string, operation: number, value: string | null]

const incremental = (resourceType: number, resourceName: string, ...changes: Change[]) => ({
  resourceType,
  resourceName,
  configs: changes.map(([name, configOperation, value]) => ({ name, configOperation, value })),
})

async function setUp() {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()
  await broker.createTopic(client, 'orders')
  await broker.createTopic(client, 'users')
  const alter = async (resources: ReturnType<typeof incremental>[], validateOnly = false) => {
    const answer = await broker.run(() => client.send(IncrementalAlterConfigs, 1, { resources, validateOnly }))
    await broker.runtime.advance(10)
    return answer.responses
  }
  const configured = async (resourceType: number, resourceName: string, key: string) => {
    const resources = [{ resourceType, resourceName, configurationKeys: [key] }]
    const { results } = await broker.run(() => client.send(DescribeConfigs, 4, { resources }))
    return results[0]?.configs[0]?.value
  }
  return { broker, client, alter, configured }
}

test.each([
  ['sets a key to nothing', incremental(TOPIC, 'orders', ['retention.ms', SET, null])],
  ['appends nothing', incremental(TOPIC, 'orders', ['cleanup.policy', APPEND, null])],
  ['names a key twice', incremental(TOPIC, 'orders', ['retention.ms', SET, '1'], ['retention.ms', SET, '2'])],
  ['uses an operation that does not exist', incremental(TOPIC, 'orders', ['cleanup.policy', 4, 'compact'])],
  ['is for a resource type that does not exist', incremental(99, 'orders', ['retention.ms', SET, '1'])],
  ['is for another broker', incremental(BROKER, '2', ['log.retention.ms', SET, '1000'])],
  ['is for a broker whose id is no number', incremental(BROKER, 'one', ['log.retention.ms', SET, '1000'])],
  ['gives a broker a value that is not allowed', incremental(BROKER, '1', ['log.retention.ms', SET, 'long'])],
  ['changes what a broker cannot change while it runs', incremental(BROKER, '', ['node.id', SET, '7'])],
])('a change that %s is an invalid request and changes nothing', async (_, change) => {
  const { broker, alter, configured } = await setUp()
  const before = await configured(TOPIC, 'orders', 'retention.ms')

  const [answer] = await alter([change])

  expect(answer).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, resourceName: change.resourceName })
  expect(await configured(TOPIC, 'orders', 'retention.ms')).toBe(before)
  await broker.stop()
})

test('answers come in the order of the request, whoever gave them', async () => {
  const { broker, alter, configured } = await setUp()

  const answers = await alter([
    incremental(TOPIC, 'nowhere', ['retention.ms', SET, '1000']),
    incremental(TOPIC, 'twice', ['retention.ms', SET, '1000']),
    incremental(TOPIC, 'orders', ['retention.ms', SET, '2000']),
    incremental(TOPIC, 'twice', ['retention.ms', SET, '1000']),
    incremental(TOPIC, 'users', ['retention.ms', SET, null]),
  ])

  expect(answers.map(({ resourceName, errorCode }) => [resourceName, errorCode])).toEqual([
    ['nowhere', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['twice', ErrorCode.INVALID_REQUEST],
    ['orders', ErrorCode.NONE],
    ['twice', ErrorCode.INVALID_REQUEST],
    ['users', ErrorCode.INVALID_REQUEST],
  ])
  expect(await configured(TOPIC, 'orders', 'retention.ms')).toBe('2000')
  await broker.stop()
})

test('the configuration of this broker and of all brokers is set and removed', async () => {
  const { broker, alter, configured } = await setUp()

  const set = await alter([
    incremental(BROKER, '', ['log.retention.ms', SET, '5000']),
    incremental(BROKER, '1', ['log.retention.ms', SET, '7000']),
  ])
  const own = await configured(BROKER, '1', 'log.retention.ms')
  const removed = await alter([incremental(BROKER, '1', ['log.retention.ms', DELETE, null])])

  expect([...set, ...removed].map(({ errorCode }) => errorCode)).toEqual([0, 0, 0])
  expect(own).toBe('7000')
  expect(await configured(BROKER, '1', 'log.retention.ms')).toBe('5000')
  await broker.stop()
})

test('the legacy way sets all keys of a resource, and refuses one set to nothing', async () => {
  const { broker, client, configured } = await setUp()
  const resource = (resourceName: string, value: string | null) => ({
    resourceType: TOPIC,
    resourceName,
    configs: [{ name: 'retention.ms', value }],
  })
  const body = { resources: [resource('users', null), resource('orders', '3000')], validateOnly: false }

  const { responses } = await broker.run(() => client.send(AlterConfigs, 2, body))
  await broker.runtime.advance(10)

  expect(responses.map(({ resourceName, errorCode }) => [resourceName, errorCode])).toEqual([
    ['users', ErrorCode.INVALID_REQUEST],
    ['orders', ErrorCode.NONE],
  ])
  expect(await configured(TOPIC, 'orders', 'retention.ms')).toBe('3000')
  await broker.stop()
})
