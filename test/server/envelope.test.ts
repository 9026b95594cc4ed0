import { expect, test } from 'vitest'
import type { ControllerChannel } from '../../src/controller/controller-channel.ts'
import { MetadataImage } from '../../src/controller/image/metadata-image.ts'
import type { MetadataRecord } from '../../src/controller/metadata-records.ts'
import { Request } from '../../src/network/request.ts'
import type { Api } from '../../src/protocol/api.ts'
import { CreateTopics } from '../../src/protocol/apis/create-topics.ts'
import { DeleteTopics } from '../../src/protocol/apis/delete-topics.ts'
import { Envelope } from '../../src/protocol/apis/envelope.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { encodeRequest } from '../../src/protocol/codec.ts'
import { ApiError, ErrorCode } from '../../src/protocol/errors.ts'
import type { Fields, MessageInput } from '../../src/protocol/schema.ts'
import { KafkaRaftClient } from '../../src/raft/kafka-raft-client.ts'
import { ControllerRequestApis } from '../../src/server/controller/controller-request-apis.ts'
import { ForwardingManager } from '../../src/server/forwarding-manager.ts'
import { ANONYMOUS, deserializePrincipal, serializePrincipal } from '../../src/server/kafka-principal.ts'
import { NodeToControllerChannelManager } from '../../src/server/node-to-controller-channel-manager.ts'
import { FakeController } from '../support/fake-controller.ts'
import { fakeControllerChannel } from '../support/fake-controller-channel.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

const topics = [{ name: 'orders', numPartitions: 1, replicationFactor: 1 }]

/** A broker's forwarding and a controller's request handlers over a network; the controller itself is the test's. */
async function setUp(answers: Partial<ControllerChannel>) {
  const runtime = createManualRuntime()
  const server = await FakeController.started(runtime, 3)
  const unexpected: unknown[] = []
  const context = {
    clusterId: 'cluster',
    apis: [],
    supportedFeatures: new Map(),
    requestChannel: server.server.requestChannel,
    metadataCache: { image: MetadataImage.EMPTY },
    controller: fakeControllerChannel(answers),
    raftClient: Object.create(KafkaRaftClient.prototype) as KafkaRaftClient<MetadataRecord>,
    controllerNodes: [],
  }
  const apis = new ControllerRequestApis(context, error => unexpected.push(error))
  server.onRequest = request => void apis.handle(request)
  const channel = new NodeToControllerChannelManager(runtime, {
    channelName: 'forwarding',
    nodeId: 1,
    controllerNode: () => server.node,
    retryTimeoutMs: 60_000,
    requestTimeoutMs: 30_000,
    connectionSetupTimeoutMs: 10_000,
  })
  channel.start()
  const stop = async () => {
    await runtime.run(() => channel.shutdown())
    await runtime.run(() => server.stop())
  }
  return { runtime, server, channel, forwarding: new ForwardingManager(channel), unexpected, stop }
}

function clientRequest<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  apiVersion: number,
  body: MessageInput<Q>,
): Request {
  return new Request({
    processor: 0,
    context: {
      header: { apiKey: api.key, apiVersion, correlationId: 77, clientId: 'app' },
      connectionId: 'connection',
      clientAddress: '10.1.2.3',
      listenerName: 'PLAINTEXT',
    },
    api: api as unknown as Api,
    body: api.request.decode(apiVersion, api.request.encode(apiVersion, body)),
    responseVersion: apiVersion,
    sizeInBytes: 100,
    startTimeMs: 0,
    releaseMemory: () => undefined,
  })
}

test('a forwarded request reaches the controller as the client sent it, and its answer comes back', async () => {
  const asked: unknown[] = []
  const bench = await setUp({
    createTopics: async request => {
      asked.push(request)
      return { throttleTimeMs: 0, topics: [created('orders', ErrorCode.TOPIC_ALREADY_EXISTS)] }
    },
  })
  const request = clientRequest(CreateTopics, 5, { topics, timeoutMs: 1234 })

  const answer = await bench.runtime.run(() => bench.forwarding.forwardRequest(CreateTopics, request))

  expect(answer.topics).toMatchObject([{ name: 'orders', errorCode: ErrorCode.TOPIC_ALREADY_EXISTS }])
  expect(asked).toEqual([request.body])
  const [envelope] = bench.server.requests
  const { requestData, requestPrincipal, clientHostAddress } = envelope?.bodyOf(Envelope) ?? fail()
  const header = { correlationId: 77, clientId: 'app' }
  expect(requestData).toEqual(encodeRequest(CreateTopics, 5, header, request.bodyOf(CreateTopics)))
  expect(deserializePrincipal(requestPrincipal ?? fail())).toEqual(ANONYMOUS)
  expect([...clientHostAddress]).toEqual([10, 1, 2, 3])
  await bench.stop()
})

test('the principal is written as Kafka writes it', () => {
  const hex = `0000${'05'}${Buffer.from('User').toString('hex')}${'0a'}${Buffer.from('ANONYMOUS').toString('hex')}0000`

  expect(serializePrincipal(ANONYMOUS).toString('hex')).toBe(hex)
})

test.each([
  ['of the whole request', async () => Promise.reject(new ApiError(ErrorCode.NOT_CONTROLLER))],
  ['of one topic', async () => ({ throttleTimeMs: 0, topics: [created('orders', ErrorCode.NOT_CONTROLLER)] })],
])('NOT_CONTROLLER %s has the request sent again', async (_, refuse) => {
  let calls = 0
  const bench = await setUp({
    createTopics: () => {
      calls++
      return calls < 3 ? refuse() : Promise.resolve({ throttleTimeMs: 0, topics: [created('orders', ErrorCode.NONE)] })
    },
  })

  const request = clientRequest(CreateTopics, 7, { topics })
  const answer = await bench.runtime.run(() => bench.forwarding.forwardRequest(CreateTopics, request))

  expect(answer.topics[0]?.errorCode).toBe(ErrorCode.NONE)
  expect(calls).toBe(3)
  await bench.stop()
})

test('errors of the whole request come back as the client’s version has them', async () => {
  const bench = await setUp({
    deleteTopics: async () => Promise.reject(new ApiError(ErrorCode.TOPIC_DELETION_DISABLED)),
  })
  const deleteIn = async (version: number) => {
    const request = clientRequest(DeleteTopics, version, { topicNames: ['orders'], timeoutMs: 1000 })
    return (await bench.runtime.run(() => bench.forwarding.forwardRequest(DeleteTopics, request))).responses[0]
      ?.errorCode
  }

  expect([await deleteIn(2), await deleteIn(5)]).toEqual([ErrorCode.INVALID_REQUEST, ErrorCode.TOPIC_DELETION_DISABLED])
  await bench.stop()
})

test('an envelope that makes no sense is refused, and the connection goes on', async () => {
  const bench = await setUp({})
  const valid = {
    requestData: encodeRequest(CreateTopics, 7, { correlationId: 1, clientId: null }, { topics: [] }),
    requestPrincipal: serializePrincipal(ANONYMOUS),
    clientHostAddress: Buffer.from([10, 0, 0, 1]),
  }
  const refusal = async (change: Partial<typeof valid> | { requestPrincipal: null }) => {
    const answer = await bench.runtime.run(() => bench.channel.sendRequest(Envelope, 0, { ...valid, ...change }))
    return answer.errorCode
  }
  const unknownVersion = Buffer.from(valid.requestData)
  unknownVersion.writeInt16BE(99, 2)

  expect([
    await refusal({ clientHostAddress: Buffer.alloc(5) }),
    await refusal({ requestPrincipal: null }),
    await refusal({ requestPrincipal: Buffer.from([9, 9, 9]) }),
    await refusal({ requestData: Buffer.from([0]) }),
    await refusal({ requestData: unknownVersion }),
    await refusal({ requestData: valid.requestData.subarray(0, 12) }),
    await refusal({ requestData: encodeRequest(Metadata, 12, { correlationId: 1, clientId: null }, { topics: [] }) }),
  ]).toEqual([
    ErrorCode.INVALID_REQUEST,
    ErrorCode.PRINCIPAL_DESERIALIZATION_FAILURE,
    ErrorCode.PRINCIPAL_DESERIALIZATION_FAILURE,
    ErrorCode.UNSUPPORTED_VERSION,
    ErrorCode.UNSUPPORTED_VERSION,
    ErrorCode.UNSUPPORTED_VERSION,
    ErrorCode.INVALID_REQUEST,
  ])
  expect(bench.server.server.connectionCount).toBe(1)
  expect(bench.unexpected).toEqual([])
  await bench.stop()
})

test('a fault of the controller is told to whoever runs it, and the client hears of a server error', async () => {
  const bench = await setUp({ createTopics: () => Promise.reject(new TypeError('a fault')) })
  const request = clientRequest(CreateTopics, 7, { topics })

  const answer = await bench.runtime.run(() => bench.forwarding.forwardRequest(CreateTopics, request))

  expect(answer.topics[0]?.errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR)
  expect(bench.unexpected).toEqual([new TypeError('a fault')])
  await bench.stop()
})

function created(name: string, errorCode: number) {
  return {
    name,
    topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
    errorCode,
    errorMessage: null,
    topicConfigErrorCode: 0,
    numPartitions: 1,
    replicationFactor: 1,
    configs: [],
  }
}

function fail(): never {
  throw new Error('nothing was sent')
}
