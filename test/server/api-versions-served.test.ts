import { expect, test } from 'vitest'
import { Metrics } from '../../src/network/metrics.ts'
import { Request } from '../../src/network/request.ts'
import { RequestChannel } from '../../src/network/request-channel.ts'
import type { Api } from '../../src/protocol/api.ts'
import { API_BY_KEY } from '../../src/protocol/apis/index.ts'
import { decodeRequestBody, decodeResponse, encodeRequest, parseRequestHeader } from '../../src/protocol/codec.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { buildBatch } from '../../src/protocol/records/batch.ts'
import type { Fields } from '../../src/protocol/schema.ts'
import { METADATA_TOPIC_ID } from '../../src/protocol/uuid.ts'
import type { ApiHandler } from '../../src/server/api-handler.ts'
import { CONTROLLER_API_HANDLERS } from '../../src/server/controller/controller-handlers.ts'
import { API_HANDLERS } from '../../src/server/kafka-apis.ts'
import { BrokerUnderTest } from '../support/broker-under-test.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'
import { WireClient } from '../support/wire-client.ts'

type Body = Readonly<Record<string, unknown>>
/** A request that has an effect or an answer worth encoding, for each API, in a version. */
type Bodies = Readonly<Record<string, (version: number, topicId: string) => Body>>

const records = () => buildBatch({ records: [{ value: Buffer.from('x'), timestamp: 1_700_000_000_000 }] })

const BODIES: Bodies = {
  Produce: (version, topicId) => ({
    acks: -1,
    timeoutMs: 1000,
    topicData: [
      { ...topicOf('name', version >= 13, topicId), partitionData: [{ index: 0, records: records() }] },
      { ...topicOf('name', false, topicId, 'nowhere'), partitionData: [{ index: 0, records: records() }] },
    ],
  }),
  Fetch: (version, topicId) => ({
    maxWaitMs: 0,
    minBytes: 1,
    ...(version >= 7 && { sessionEpoch: 0 }),
    topics: [
      {
        ...topicOf('topic', version >= 13, topicId),
        partitions: [
          { partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 },
          { partition: 9, fetchOffset: 0, partitionMaxBytes: 1000 },
        ],
      },
    ],
  }),
  ListOffsets: () => ({
    topics: [
      {
        name: 'orders',
        partitions: [
          { partitionIndex: 0, timestamp: -1 },
          { partitionIndex: 9, timestamp: -2 },
        ],
      },
    ],
  }),
  Metadata: version => ({ topics: version === 0 ? [] : [{ name: 'orders' }, { name: 'bad/name' }] }),
  OffsetCommit: (version, topicId) => ({
    groupId: 'group',
    topics: [
      {
        ...topicOf('name', version >= 10, topicId),
        partitions: [
          { partitionIndex: 0, committedOffset: 1, committedMetadata: null },
          { partitionIndex: 9, committedOffset: 1, committedMetadata: null },
        ],
      },
      {
        ...topicOf('name', version >= 10, 'AAAAAAAAAAAAAAAAAAAABQ', 'nowhere'),
        partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }],
      },
    ],
  }),
  OffsetFetch: (version, topicId) => {
    const topics = [
      { ...topicOf('name', version >= 10, topicId), partitionIndexes: [0, 9] },
      { ...topicOf('name', version >= 10, 'AAAAAAAAAAAAAAAAAAAABQ', 'nowhere'), partitionIndexes: [0] },
    ]
    const groups = [
      { groupId: 'group', topics },
      { groupId: 'group', topics: null },
    ]
    return version < 8 ? { groupId: 'group', topics } : { groups, requireStable: true }
  },
  OffsetDelete: () => ({
    groupId: 'group',
    topics: [{ name: 'orders', partitions: [{ partitionIndex: 0 }, { partitionIndex: 9 }] }],
  }),
  JoinGroup: () => ({
    groupId: 'group',
    sessionTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
  }),
  SyncGroup: version => ({
    groupId: 'group',
    generationId: 1,
    memberId: 'm',
    ...(version >= 5 && { protocolType: 'consumer', protocolName: 'range' }),
    assignments: [],
  }),
  Heartbeat: () => ({ groupId: 'group', generationId: 1, memberId: 'm' }),
  LeaveGroup: version => ({
    groupId: 'group',
    ...(version < 3 ? { memberId: 'm' } : { members: [{ memberId: 'm' }] }),
  }),
  DescribeGroups: version => ({ groups: ['group'], ...(version >= 3 && { includeAuthorizedOperations: true }) }),
  ListGroups: () => ({}),
  DeleteGroups: () => ({ groupsNames: ['group', 'group'] }),
  FindCoordinator: version => (version < 4 ? { key: 'group' } : { keyType: 1, coordinatorKeys: ['a', 'b'] }),
  ApiVersions: version => (version < 3 ? {} : { clientSoftwareName: 'test', clientSoftwareVersion: '1' }),
  CreateTopics: version => ({
    topics: [
      { name: `new-${version}`, numPartitions: 1, replicationFactor: 1 },
      { name: 'orders', numPartitions: 1, replicationFactor: 1 },
    ],
  }),
  DeleteTopics: version => ({
    timeoutMs: 1000,
    ...(version < 6 ? { topicNames: ['nowhere'] } : { topics: [{ name: 'nowhere' }] }),
  }),
  DeleteRecords: () => ({
    timeoutMs: 1000,
    topics: [
      {
        name: 'orders',
        partitions: [
          { partitionIndex: 0, offset: 0 },
          { partitionIndex: 9, offset: 0 },
        ],
      },
    ],
  }),
  InitProducerId: () => ({ transactionalId: null, transactionTimeoutMs: 1000 }),
  OffsetForLeaderEpoch: () => ({
    topics: [
      {
        topic: 'orders',
        partitions: [
          { partition: 0, leaderEpoch: 0 },
          { partition: 9, leaderEpoch: 0 },
        ],
      },
    ],
  }),
  DescribeConfigs: () => ({
    resources: [
      { resourceType: 2, resourceName: 'orders', configurationKeys: null },
      { resourceType: 4, resourceName: '1', configurationKeys: null },
    ],
    includeSynonyms: true,
  }),
  AlterConfigs: () => ({ validateOnly: true, resources: [{ resourceType: 2, resourceName: 'orders', configs: [] }] }),
  CreatePartitions: () => ({
    topics: [{ name: 'orders', count: 5, assignments: null }],
    timeoutMs: 1000,
    validateOnly: true,
  }),
  IncrementalAlterConfigs: () => ({
    validateOnly: true,
    resources: [{ resourceType: 2, resourceName: 'nowhere', configs: [] }],
  }),
  DescribeCluster: () => ({}),
  ElectLeaders: () => ({ topicPartitions: [{ topic: 'orders', partitions: [0, 9] }], timeoutMs: 1000 }),
  AlterPartitionReassignments: () => ({
    timeoutMs: 1000,
    topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, replicas: [1] }, { partitionIndex: 9 }] }],
  }),
  ListPartitionReassignments: () => ({ timeoutMs: 1000, topics: [{ name: 'orders', partitionIndexes: [0, 9] }] }),
  UpdateFeatures: () => ({ featureUpdates: [{ feature: 'none', maxVersionLevel: 1 }] }),
  UnregisterBroker: () => ({ brokerId: 99 }),
  ConsumerGroupHeartbeat: version => ({
    groupId: `consumers-${version}`,
    memberId: version === 0 ? '' : 'member',
    memberEpoch: 0,
    rebalanceTimeoutMs: 30_000,
    subscribedTopicNames: ['orders'],
    topicPartitions: [],
  }),
  ConsumerGroupDescribe: () => ({ groupIds: ['consumers-0', 'group', ''], includeAuthorizedOperations: true }),
  DescribeQuorum: () => ({ topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] }),
}

const quorumPartition = (fields: Body) => [
  { topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0, ...fields }] },
]

/** What only controllers answer, or what they are asked in another way. */
const CONTROLLER_BODIES: Bodies = {
  Fetch: version => ({
    maxWaitMs: 0,
    minBytes: 0,
    ...(version >= 15 ? { replicaState: { replicaId: 7 } } : { replicaId: 7 }),
    topics: [
      {
        ...(version >= 13 ? { topicId: METADATA_TOPIC_ID } : { topic: '__cluster_metadata' }),
        partitions: [{ partition: 0, fetchOffset: 0, currentLeaderEpoch: 1, partitionMaxBytes: 1000 }],
      },
    ],
  }),
  Vote: () => ({
    topics: quorumPartition({ replicaEpoch: 0, replicaId: 7, lastOffsetEpoch: 0, lastOffset: 0, preVote: false }),
  }),
  BeginQuorumEpoch: () => ({ topics: quorumPartition({ leaderId: 7, leaderEpoch: 0 }) }),
  EndQuorumEpoch: () => ({ topics: quorumPartition({ leaderId: 7, leaderEpoch: 0 }) }),
  AlterPartition: () => ({ brokerId: 1, brokerEpoch: 0, topics: [] }),
  Envelope: () => ({ requestData: Buffer.alloc(3), requestPrincipal: null, clientHostAddress: Buffer.alloc(4) }),
  FetchSnapshot: () => ({
    topics: [
      {
        name: '__cluster_metadata',
        partitions: [{ partition: 0, currentLeaderEpoch: 0, snapshotId: { endOffset: 1, epoch: 1 }, position: 0 }],
      },
    ],
  }),
  DescribeCluster: version => (version === 0 ? {} : { endpointType: 2 }),
  BrokerRegistration: () => ({
    brokerId: 7,
    clusterId: 'other',
    incarnationId: 'AAAAAAAAAAAAAAAAAAAABQ',
    listeners: [],
    features: [],
    rack: null,
  }),
  BrokerHeartbeat: () => ({ brokerId: 7, currentMetadataOffset: 0, wantFence: false, wantShutDown: false }),
  AllocateProducerIds: () => ({ brokerId: 7, brokerEpoch: 0 }),
  AssignReplicasToDirs: () => ({ brokerId: 7, brokerEpoch: 0, directories: [] }),
}

interface Served {
  readonly listener: 'PLAINTEXT' | 'CONTROLLER'
  readonly handlers: ReadonlyMap<number, Pick<ApiHandler, 'api' | 'sendError'>>
  readonly bodies: Bodies
}

const SERVED: readonly Served[] = [
  { listener: 'PLAINTEXT', handlers: API_HANDLERS, bodies: BODIES },
  { listener: 'CONTROLLER', handlers: CONTROLLER_API_HANDLERS, bodies: { ...BODIES, ...CONTROLLER_BODIES } },
]

function topicOf(field: 'name' | 'topic', byId: boolean, topicId: string, name = 'orders'): Body {
  return byId ? { topicId } : { [field]: name }
}

const CASES = SERVED.flatMap(served =>
  [...served.handlers.values()].flatMap(({ api }) => {
    const [first, last] = api.versions
    const versions = Array.from({ length: last - first + 1 }, (_, index) => first + index)
    return versions.map((version): [string, string, number, Api, Served] => [
      served.listener,
      api.name,
      version,
      api,
      served,
    ])
  }),
)

test('every API that is known is served by a broker or a controller', () => {
  const served = new Set(SERVED.flatMap(({ handlers }) => [...handlers.keys()]))

  const unserved = [...API_BY_KEY.values()].filter(({ key }) => !served.has(key)).map(({ name }) => name)
  expect(unserved).toEqual(['Envelope'])
})

test.each(CASES)('%s: %s version %i is answered', async (listener, name, version, api, { bodies }) => {
  const unexpected: unknown[] = []
  const broker = await BrokerUnderTest.started({ onUnexpectedError: error => unexpected.push(error) })
  const admin = await broker.connect()
  const topicId = await broker.createTopic(admin, 'orders')
  const client = await WireClient.connect(broker.runtime, broker.server.boundPort(listener))
  const body = bodies[name]?.(version, topicId)
  if (body === undefined) throw new Error(`the test has no request of ${name}`)

  // Bodies are of the API's own type, which a table over all APIs cannot say.
  client.sendFrame(encodeRequest<Fields>(api, version, { correlationId: 7, clientId: 'test' }, body as never))
  const response = await broker.run(() => client.receive(api, version))

  expect(unexpected).toEqual([])
  expect(response.correlationId).toBe(7)
  await broker.stop()
})

test.each(CASES)(
  '%s: %s version %i has an answer for when the whole request fails',
  (_, name, version, api, served) => {
    const sent: Buffer[] = []
    const body = served.bodies[name]?.(version, 'AAAAAAAAAAAAAAAAAAAABQ')
    if (body === undefined) throw new Error(`the test has no request of ${name}`)
    const frame = encodeRequest<Fields>(api, version, { correlationId: 7, clientId: 'test' }, body as never)
    const { header, bodyOffset } = parseRequestHeader(frame)
    const runtime = createManualRuntime()
    const requestChannel = new RequestChannel(runtime, { queueSize: 1, metrics: new Metrics(runtime) })
    requestChannel.addProcessor({
      id: 0,
      responseQueueSize: 0,
      enqueueResponse: response => {
        if (response.kind === 'send') sent.push(response.payload)
      },
    })
    const request = new Request({
      processor: 0,
      context: { header, connectionId: 'c', clientAddress: 'a', listenerName: served.listener },
      api,
      body: decodeRequestBody(api, version, frame, bodyOffset),
      responseVersion: version,
      sizeInBytes: frame.length,
      startTimeMs: 0,
      releaseMemory: () => {},
    })

    // Of all that a handler works with, an error answer may need nothing but the channel.
    served.handlers.get(api.key)?.sendError({ requestChannel }, request, ErrorCode.UNKNOWN_SERVER_ERROR, 'why')

    expect(sent).toHaveLength(1)
    expect(decodeResponse<Fields>(api, version, sent[0] ?? Buffer.alloc(0)).correlationId).toBe(7)
  },
)
