import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { type ControllerFixture, startController } from './controller-fixture.ts'

const TOPIC = 2
const BROKER = 4
const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3

async function started(...brokers: number[]): Promise<ControllerFixture> {
  const fixture = await startController()
  await fixture.join(...brokers)
  return fixture
}

function creatable(name: string, overrides: object = {}) {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...overrides }
}

async function create(fixture: ControllerFixture, topics: ReturnType<typeof creatable>[], validateOnly = false) {
  const response = await fixture.runtime.run(() => fixture.apis.createTopics({ topics, timeoutMs: 1000, validateOnly }))
  await fixture.runtime.settle()
  return response.topics
}

async function alter(
  fixture: ControllerFixture,
  name: string,
  configs: [string, number, string | null][],
  type = TOPIC,
) {
  const request = {
    resources: [
      {
        resourceType: type,
        resourceName: name,
        configs: configs.map(([key, configOperation, value]) => ({ name: key, configOperation, value })),
      },
    ],
    validateOnly: false,
  }
  const response = await fixture.runtime.run(() => fixture.apis.incrementalAlterConfigs(request))
  await fixture.runtime.settle()
  return response.responses[0]
}

describe('createTopics', () => {
  test.each([
    ['an empty name', creatable(''), ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['a dot', creatable('.'), ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['a slash', creatable('a/b'), ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['250 characters', creatable('x'.repeat(250)), ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['the name of the metadata log', creatable('__cluster_metadata'), ErrorCode.INVALID_REQUEST],
    ['no partitions', creatable('t', { numPartitions: 0 }), ErrorCode.INVALID_PARTITIONS],
    ['a negative number of partitions', creatable('t', { numPartitions: -2 }), ErrorCode.INVALID_PARTITIONS],
    ['no replicas', creatable('t', { replicationFactor: 0 }), ErrorCode.INVALID_REPLICATION_FACTOR],
    ['more replicas than brokers', creatable('t', { replicationFactor: 3 }), ErrorCode.INVALID_REPLICATION_FACTOR],
    ['far too many partitions', creatable('t', { numPartitions: 10_001 }), ErrorCode.POLICY_VIOLATION],
    [
      'an unknown configuration',
      creatable('t', { configs: [{ name: 'no.such', value: '1' }] }),
      ErrorCode.INVALID_CONFIG,
    ],
    ['a bad value', creatable('t', { configs: [{ name: 'retention.ms', value: 'x' }] }), ErrorCode.INVALID_CONFIG],
    ['a null value', creatable('t', { configs: [{ name: 'retention.ms', value: null }] }), ErrorCode.INVALID_CONFIG],
    [
      'an assignment beside a number of partitions',
      creatable('t', { replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
      ErrorCode.INVALID_REQUEST,
    ],
    [
      'an assignment to an unknown broker',
      creatable('t', {
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 0, brokerIds: [9] }],
      }),
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ],
    [
      'an assignment with a broker twice',
      creatable('t', {
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }],
      }),
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ],
    [
      'an assignment that begins at 1',
      creatable('t', {
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 1, brokerIds: [1] }],
      }),
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ],
  ])('refuses %s', async (_what, topic, code) => {
    const fixture = await started(1, 2)

    const [result] = await create(fixture, [topic])

    expect(result?.errorCode).toBe(code)
    expect(fixture.image().topics.topicsByName.size).toBe(0)
  })

  test('creates what it can, and says of each other topic why not', async () => {
    const fixture = await started(1)
    await create(fixture, [creatable('there'), creatable('a.b')])

    const results = await create(fixture, [
      creatable('new'),
      creatable('there'),
      creatable('a_b'),
      creatable('x'),
      creatable('x'),
    ])

    expect(results.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['new', ErrorCode.NONE],
      ['there', ErrorCode.TOPIC_ALREADY_EXISTS],
      ['a_b', ErrorCode.INVALID_TOPIC_EXCEPTION],
      ['x', ErrorCode.INVALID_REQUEST],
    ])
    expect([...fixture.image().topics.topicsByName.keys()]).toEqual(['there', 'a.b', 'new'])
  })

  test('answers with id, partitions, replicas and the configuration in force', async () => {
    const fixture = await startController({ config: { 'num.partitions': '4', 'log.retention.hours': '1' } })
    await fixture.join(1)

    const [result] = await create(fixture, [
      creatable('t', { numPartitions: -1, replicationFactor: -1, configs: [{ name: 'segment.ms', value: '5000' }] }),
    ])

    expect(result).toMatchObject({ numPartitions: 4, replicationFactor: 1, topicConfigErrorCode: 0 })
    expect(result?.topicId).toBe(fixture.image().topics.getTopic('t')?.id)
    const byName = new Map(result?.configs?.map(config => [config.name, [config.value, config.configSource]]))
    expect(byName.get('segment.ms')).toEqual(['5000', 1])
    expect(byName.get('retention.ms')).toEqual(['3600000', 4])
    expect(byName.get('cleanup.policy')).toEqual(['delete', 5])
  })

  test('only validates when asked to', async () => {
    const fixture = await started(1)
    const end = fixture.raft.logEndOffset

    const [result] = await create(fixture, [creatable('t')], true)

    expect(result?.errorCode).toBe(ErrorCode.NONE)
    expect(fixture.raft.logEndOffset).toBe(end)
  })

  test('spreads replicas and leaders over the brokers', async () => {
    const fixture = await started(1, 2, 3)

    await create(fixture, [creatable('t', { numPartitions: 30, replicationFactor: 2 })])

    const partitions = [...(fixture.image().topics.getTopic('t')?.partitions.values() ?? [])]
    for (const id of [1, 2, 3]) {
      expect(partitions.filter(({ leader }) => leader === id)).toHaveLength(10)
      expect(partitions.filter(({ replicas }) => replicas.includes(id)).length).toBeGreaterThan(15)
    }
    expect(partitions.every(({ replicas }) => new Set(replicas).size === 2)).toBe(true)
  })

  test('leaves fenced brokers out of the ISR, and refuses when all are fenced', async () => {
    const fixture = await started(1)
    await fixture.register(2)

    await create(fixture, [creatable('t', { replicationFactor: 2 })])
    expect(fixture.image().topics.getTopic('t')?.partitions.get(0)).toMatchObject({
      replicas: [1, 2],
      isr: [1],
      leader: 1,
    })

    await fixture.heartbeat(1, { wantFence: true })
    const [refused] = await create(fixture, [creatable('u')])
    expect(refused?.errorCode).toBe(ErrorCode.INVALID_REPLICATION_FACTOR)
  })
})

describe('deleteTopics', () => {
  test('takes names and ids, and forgets the configuration', async () => {
    const fixture = await started(1)
    await create(fixture, [
      creatable('a', { configs: [{ name: 'retention.ms', value: '5' }] }),
      creatable('b'),
      creatable('c'),
    ])
    const idOf = (name: string) => fixture.image().topics.getTopic(name)?.id ?? ''
    const [a, b, c] = [idOf('a'), idOf('b'), idOf('c')]

    const response = await fixture.runtime.run(() =>
      fixture.apis.deleteTopics({
        topicNames: ['nobody'],
        topics: [
          { name: 'a', topicId: ZERO_UUID },
          { name: null, topicId: b },
          { name: null, topicId: ZERO_UUID },
          { name: 'c', topicId: c },
        ],
        timeoutMs: 1000,
      }),
    )
    await fixture.runtime.settle()

    expect(
      new Map(response.responses.map(({ name, topicId, errorCode }) => [`${name} ${topicId}`, errorCode])),
    ).toEqual(
      new Map([
        [`null ${ZERO_UUID}`, ErrorCode.INVALID_REQUEST],
        [`c ${c}`, ErrorCode.INVALID_REQUEST],
        [`nobody ${ZERO_UUID}`, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
        [`b ${b}`, ErrorCode.NONE],
        [`a ${a}`, ErrorCode.NONE],
      ]),
    )
    expect([...fixture.image().topics.topicsByName.keys()]).toEqual(['c'])
    expect([...fixture.image().configs.resources.keys()]).toEqual(['BROKER:'])
  })

  test('a topic that comes again under its name has another id', async () => {
    const fixture = await started(1)
    await create(fixture, [creatable('t')])
    const first = fixture.image().topics.getTopic('t')?.id
    await fixture.runtime.run(() => fixture.apis.deleteTopics({ topicNames: ['t'], topics: [], timeoutMs: 1000 }))
    await create(fixture, [creatable('t')])

    expect(fixture.image().topics.getTopic('t')?.id).not.toBe(first)
  })

  test('is refused when it is switched off', async () => {
    const fixture = await startController({ config: { 'delete.topic.enable': 'false' } })

    await expect(fixture.apis.deleteTopics({ topicNames: ['t'], topics: [], timeoutMs: 1000 })).rejects.toMatchObject({
      code: ErrorCode.TOPIC_DELETION_DISABLED,
    })
  })
})

describe('createPartitions', () => {
  async function grow(fixture: ControllerFixture, count: number, assignments: number[][] | null = null, name = 't') {
    const topics = [{ name, count, assignments: assignments?.map(brokerIds => ({ brokerIds })) ?? null }]
    const request = { topics, timeoutMs: 1000, validateOnly: false }
    const response = await fixture.runtime.run(() => fixture.apis.createPartitions(request))
    await fixture.runtime.settle()
    return response.results[0]?.errorCode
  }

  test('adds partitions with the replicas that the topic has', async () => {
    const fixture = await started(1, 2)
    await create(fixture, [creatable('t', { replicationFactor: 2 })])

    expect(await grow(fixture, 3)).toBe(ErrorCode.NONE)
    expect(await grow(fixture, 4, [[2, 1]])).toBe(ErrorCode.NONE)

    const partitions = fixture.image().topics.getTopic('t')?.partitions
    expect([...(partitions?.keys() ?? [])]).toEqual([0, 1, 2, 3])
    expect(partitions?.get(2)?.replicas).toHaveLength(2)
    expect(partitions?.get(3)).toMatchObject({ replicas: [2, 1], leader: 2 })
  })

  test.each([
    ['as many as there are', 2, null, ErrorCode.INVALID_PARTITIONS],
    ['fewer', 1, null, ErrorCode.INVALID_PARTITIONS],
    ['too few assignments', 4, [[1]], ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['assignments with other replicas', 3, [[1, 2]], ErrorCode.INVALID_REPLICA_ASSIGNMENT],
  ])('refuses %s', async (_what, count, assignments, code) => {
    const fixture = await started(1, 2)
    await create(fixture, [creatable('t', { numPartitions: 2 })])

    expect(await grow(fixture, count, assignments)).toBe(code)
  })

  test('refuses a topic that does not exist', async () => {
    expect(await grow(await started(1), 3, null, 'nobody')).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })
})

describe('alter configs', () => {
  test('sets, removes, appends and subtracts', async () => {
    const fixture = await started(1)
    await create(fixture, [creatable('t')])
    const configs = () => Object.fromEntries(fixture.image().configs.topicConfigs('t'))

    await alter(fixture, 't', [
      ['retention.ms', SET, '1000'],
      ['cleanup.policy', APPEND, 'compact'],
    ])
    expect(configs()).toEqual({ 'retention.ms': '1000', 'cleanup.policy': 'delete,compact' })
    await alter(fixture, 't', [
      ['retention.ms', DELETE, null],
      ['cleanup.policy', SUBTRACT, 'delete'],
    ])
    expect(configs()).toEqual({ 'cleanup.policy': 'compact' })
  })

  test.each([
    ['an unknown key', 't', ['no.such.key', SET, '1'], TOPIC, ErrorCode.INVALID_CONFIG],
    ['a value that is not allowed', 't', ['min.insync.replicas', SET, '0'], TOPIC, ErrorCode.INVALID_CONFIG],
    ['an append to a number', 't', ['retention.ms', APPEND, '1'], TOPIC, ErrorCode.INVALID_CONFIG],
    ['a topic that does not exist', 'nobody', ['retention.ms', SET, '1'], TOPIC, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['a broker that does not exist', '9', ['log.retention.ms', SET, '1'], BROKER, ErrorCode.BROKER_ID_NOT_REGISTERED],
    ['a broker whose name is no number', 'x', ['log.retention.ms', SET, '1'], BROKER, ErrorCode.INVALID_REQUEST],
    ['a key that cannot change while the broker runs', '1', ['node.id', SET, '2'], BROKER, ErrorCode.INVALID_CONFIG],
    ['a resource of no known type', 't', ['a', SET, 'b'], 99, ErrorCode.UNSUPPORTED_VERSION],
  ] as const)('refuses %s', async (_what, name, [key, operation, value], type, code) => {
    const fixture = await started(1)
    await create(fixture, [creatable('t')])
    const end = fixture.raft.logEndOffset

    expect((await alter(fixture, name, [[key, operation, value]], type))?.errorCode).toBe(code)
    expect(fixture.raft.logEndOffset).toBe(end)
  })

  test('with one bad change leaves the whole resource as it was', async () => {
    const fixture = await started(1)
    await create(fixture, [creatable('t')])

    await alter(fixture, 't', [
      ['retention.ms', SET, '1000'],
      ['no.such.key', SET, '1'],
    ])

    expect(fixture.image().configs.topicConfigs('t').size).toBe(0)
  })

  test('the legacy way sets everything: what is not named goes', async () => {
    const fixture = await started(1)
    await create(fixture, [
      creatable('t', {
        configs: [
          { name: 'retention.ms', value: '5' },
          { name: 'flush.ms', value: '7' },
        ],
      }),
    ])
    const resource = {
      resourceType: TOPIC,
      resourceName: 't',
      configs: [
        { name: 'segment.ms', value: '9' },
        { name: 'flush.ms', value: '8' },
      ],
    }

    await fixture.runtime.run(() => fixture.apis.legacyAlterConfigs({ resources: [resource], validateOnly: false }))
    await fixture.runtime.settle()

    expect(Object.fromEntries(fixture.image().configs.topicConfigs('t'))).toEqual({
      'flush.ms': '8',
      'segment.ms': '9',
    })
  })

  test('defaults of all brokers reach the topics, below what topics set themselves', async () => {
    const fixture = await started(1)
    await alter(fixture, '', [['log.retention.ms', SET, '1234']], BROKER)

    const [plain, own] = await create(fixture, [
      creatable('plain'),
      creatable('own', { configs: [{ name: 'retention.ms', value: '5' }] }),
    ])

    const retention = (result: typeof plain) => result?.configs?.find(({ name }) => name === 'retention.ms')
    expect(retention(plain)).toMatchObject({ value: '1234', configSource: 3 })
    expect(retention(own)).toMatchObject({ value: '5', configSource: 1 })
  })

  test('min.insync.replicas of all brokers is set once, at the beginning, and neither removed nor set on one', async () => {
    const fixture = await startController({ config: { 'min.insync.replicas': '2' } })
    await fixture.join(1)
    const key = 'min.insync.replicas'
    const inForce = () => fixture.image().configs.brokerConfigs(null).get(key)
    const atFirst = inForce()

    const removed = await alter(fixture, '', [[key, DELETE, null]], BROKER)
    const ofOne = await alter(fixture, '1', [[key, SET, '1']], BROKER)
    const ofAll = await alter(fixture, '', [[key, SET, '3']], BROKER)

    expect(atFirst).toBe('2')
    expect([removed?.errorCode, ofOne?.errorCode]).toEqual([ErrorCode.INVALID_CONFIG, ErrorCode.INVALID_CONFIG])
    expect([ofAll?.errorCode, inForce()]).toEqual([ErrorCode.NONE, '3'])
  })

  test('without eligible leader replicas a broker has its own min.insync.replicas', async () => {
    const fixture = await startController({ features: new Map([['metadata.version', 29]]) })
    await fixture.join(1)

    const set = await alter(fixture, '1', [['min.insync.replicas', SET, '2']], BROKER)

    expect(set?.errorCode).toBe(ErrorCode.NONE)
    expect(fixture.image().configs.brokerConfigs(null).size).toBe(0)
  })

  test('a value cannot grow beyond what the protocol can tell', async () => {
    const fixture = await started(1)
    await create(fixture, [creatable('t')])
    const item = (index: number) => `${index}:${'1'.repeat(10)}`
    const values = Array.from({ length: 3000 }, (_, index) => item(index)).join(',')

    const answer = await alter(fixture, 't', [['leader.replication.throttled.replicas', APPEND, values]])

    expect(answer).toMatchObject({
      errorCode: ErrorCode.INVALID_CONFIG,
      errorMessage: expect.stringContaining('32767'),
    })
  })

  test('refuses a resource that comes twice', async () => {
    const fixture = await started(1)
    await create(fixture, [creatable('t')])
    const resource = { resourceType: TOPIC, resourceName: 't', configs: [] }

    const request = { resources: [resource, resource], validateOnly: false }
    const { responses } = await fixture.runtime.run(() => fixture.apis.incrementalAlterConfigs(request))

    expect(responses.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.INVALID_REQUEST])
  })
})
