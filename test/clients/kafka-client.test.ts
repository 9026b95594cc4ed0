import { describe, expect, test } from 'vitest'
import type { ClientResponse } from '../../src/clients/client-response.ts'
import { KafkaClient, type KafkaClientOptions } from '../../src/clients/kafka-client.ts'
import { Metadata } from '../../src/clients/metadata.ts'
import { ListOffsets } from '../../src/protocol/apis/list-offsets.ts'
import { Metadata as MetadataApi } from '../../src/protocol/apis/metadata.ts'
import type { Fields } from '../../src/protocol/schema.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import { BrokerUnderTest } from '../support/broker-under-test.ts'
import { createManualRuntime, type ManualRuntime } from '../support/manual-runtime.ts'
import { ScriptedBroker } from '../support/scripted-broker.ts'

function metadataOf(runtime: Runtime, ...ports: number[]): Metadata {
  const metadata = new Metadata({
    retryBackoffMs: 100,
    retryBackoffMaxMs: 1000,
    metadataMaxAgeMs: 300_000,
    random: runtime.random.stream('metadata'),
  })
  metadata.bootstrap(ports.map(port => ({ host: '127.0.0.1', port })))
  return metadata
}

function clientOf(runtime: Runtime, metadata: Metadata, options: Partial<KafkaClientOptions> = {}): KafkaClient {
  return new KafkaClient(runtime, {
    clientId: 'client',
    metadata,
    maxInFlightRequestsPerConnection: 5,
    reconnectBackoffMs: 50,
    reconnectBackoffMaxMs: 1000,
    sendBufferBytes: -1,
    receiveBufferBytes: -1,
    requestTimeoutMs: 30_000,
    socketConnectionSetupTimeoutMs: 10_000,
    socketConnectionSetupTimeoutMaxMs: 30_000,
    connectionsMaxIdleMs: 540_000,
    metadataRecoveryStrategy: 'rebootstrap',
    metadataRecoveryRebootstrapTriggerMs: 300_000,
    ...options,
  })
}

async function pollUntil(client: KafkaClient, done: () => boolean): Promise<void> {
  for (let left = 1000; !done(); left--) {
    if (left === 0) throw new Error('it does not come')
    await client.poll(1000)
  }
}

describe('a client of many nodes', () => {
  test('learns the cluster from its bootstrap servers', async () => {
    const broker = await BrokerUnderTest.started()
    const metadata = metadataOf(broker.runtime, broker.server.boundPort())
    const client = clientOf(broker.runtime, metadata)
    expect(metadata.fetch().nodes).toEqual([{ id: -1, host: '127.0.0.1', port: broker.server.boundPort() }])
    await broker.run(() => pollUntil(client, () => !metadata.updateRequested))
    expect(metadata.fetch().nodes.map(({ id }) => id)).toEqual([1])
    expect(metadata.fetch().isBootstrap).toBe(false)
    client.close()
    await broker.stop()
  })

  test('sends to a node that is ready and completes in the order of the requests', async () => {
    const broker = await BrokerUnderTest.started()
    const { runtime } = broker
    const metadata = metadataOf(runtime, broker.server.boundPort())
    const client = clientOf(runtime, metadata)
    const completed: string[] = []
    await broker.run(async () => {
      await pollUntil(client, () => !metadata.updateRequested)
      const [node] = metadata.fetch().nodes
      if (node === undefined) throw new Error('no node')
      await pollUntil(client, () => client.ready(node, runtime.clock.monotonicMs()))
      expect(client.apiVersions(node.id)?.latestUsableVersion(ListOffsets)).toBeGreaterThan(5)
      const record = (name: string) => (response: ClientResponse<Fields>) =>
        completed.push(`${name} ${response.body === undefined ? 'failed' : 'answered'}`)
      const nowMs = runtime.clock.monotonicMs()
      const body = { topics: [], allowAutoTopicCreation: false }
      client.send({ nodeId: node.id, api: MetadataApi, body, onComplete: record('a') }, nowMs)
      client.send({ nodeId: node.id, api: MetadataApi, body, onComplete: record('b') }, nowMs)
      expect(client.inFlightRequestCount(node.id)).toBe(2)
      await pollUntil(client, () => completed.length === 2)
    })
    expect(completed).toEqual(['a answered', 'b answered'])
    expect(client.hasInFlightRequests()).toBe(false)
    client.close()
    await broker.stop()
  })
})

interface Stage {
  readonly runtime: ManualRuntime
  readonly broker: ScriptedBroker
  readonly metadata: Metadata
  readonly client: KafkaClient
  readonly node: { readonly id: number; readonly host: string; readonly port: number }
}

const BODY = { topics: [], allowAutoTopicCreation: false }

/** A client that is connected to a broker that follows a script. */
async function connected(
  body: (stage: Stage) => Promise<void>,
  options: Partial<KafkaClientOptions> = {},
): Promise<void> {
  const runtime = createManualRuntime()
  const broker = await ScriptedBroker.started(runtime, {})
  const port = Number(broker.bootstrap.split(':')[1])
  const metadata = metadataOf(runtime, port)
  const client = clientOf(runtime, metadata, options)
  const node = { id: broker.id, host: '127.0.0.1', port }
  await runtime.run(() => pollUntil(client, () => !metadata.updateRequested))
  await runtime.run(() => pollUntil(client, () => client.ready(node, runtime.clock.monotonicMs())))
  await body({ runtime, broker, metadata, client, node })
  client.close()
  await runtime.settle()
  expect(broker.connections).toBe(0)
  expect(runtime.pendingTimers).toBe(0)
}

/** Sends requests that nobody answers; tells how each ends. */
function sendUnanswered({ broker, client, node, runtime }: Stage, count: number): string[] {
  const ended: string[] = []
  broker.onRequest = () => true
  for (let request = 0; request < count; request++) {
    const onComplete = ({ body, disconnected, timedOut }: ClientResponse<Fields>) =>
      ended.push(
        `${request} ${body === undefined ? '' : 'answered'} ${disconnected ? 'disconnected' : ''} ${timedOut ? 'timed out' : ''}`.trim(),
      )
    client.send({ nodeId: node.id, api: MetadataApi, body: BODY, onComplete }, runtime.clock.monotonicMs())
  }
  return ended
}

describe('a connection that fails', () => {
  test('completes what is in flight, in order, and is kept off for the backoff', async () => {
    await connected(async stage => {
      const { runtime, broker, client, node } = stage
      const ended = sendUnanswered(stage, 2)
      await runtime.settle()
      broker.disconnectAll()
      await runtime.run(() => pollUntil(client, () => ended.length === 2))
      expect(ended).toEqual(['0  disconnected', '1  disconnected'])
      expect(client.connectionFailed(node)).toBe(true)
      expect(client.hasInFlightRequests(node.id)).toBe(false)
      const delayMs = client.connectionDelay(node, runtime.clock.monotonicMs())
      expect(delayMs).toBeGreaterThanOrEqual(40)
      expect(client.ready(node, runtime.clock.monotonicMs())).toBe(false)
      expect(client.connectionFailed(node)).toBe(true)
    })
  })

  test('is given up when an answer takes longer than request.timeout.ms, with all that is in flight', async () => {
    await connected(
      async stage => {
        const { runtime, client } = stage
        const ended = sendUnanswered(stage, 2)
        const startMs = runtime.clock.monotonicMs()
        await runtime.run(() => pollUntil(client, () => ended.length === 2))
        expect(ended).toEqual(['0  disconnected timed out', '1  disconnected timed out'])
        expect(runtime.clock.monotonicMs() - startMs).toBe(2000)
      },
      { requestTimeoutMs: 2000 },
    )
  })

  test('asks for metadata again', async () => {
    await connected(async ({ runtime, broker, metadata, client }) => {
      broker.disconnectAll()
      await runtime.run(() => client.poll(1000))
      expect(metadata.updateRequested).toBe(true)
      await runtime.run(() => pollUntil(client, () => !metadata.updateRequested))
    })
  })

  test('that is idle is closed after connections.max.idle.ms', async () => {
    await connected(
      async ({ runtime, broker, client }) => {
        expect(broker.connections).toBe(2)
        await runtime.run(() => client.poll(10_000))
        await runtime.settle()
        // The other one is in use again: the loss of a connection makes the client ask for metadata.
        expect(broker.connections).toBe(1)
      },
      { connectionsMaxIdleMs: 5000, metadataRecoveryStrategy: 'none' },
    )
  })

  test('a request of the caller to disconnect completes what is in flight in the next poll', async () => {
    await connected(async stage => {
      const { runtime, client, node } = stage
      const ended = sendUnanswered(stage, 1)
      client.disconnect(node.id)
      expect(ended).toEqual([])
      await runtime.run(() => client.poll(0))
      expect(ended).toEqual(['0  disconnected'])
    })
  })
})

describe('versions', () => {
  test('a broker that does not know the version of ApiVersions is asked again in one that it knows (KIP-511)', async () => {
    const runtime = createManualRuntime()
    const broker = await ScriptedBroker.started(runtime, {})
    const asked: number[] = []
    broker.onRequest = request => {
      if (request.api.key !== 18) return false
      asked.push(request.version)
      if (request.version <= 2) return false
      request.answer({ errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 2 }] })
      return true
    }
    const metadata = metadataOf(runtime, Number(broker.bootstrap.split(':')[1]))
    const client = clientOf(runtime, metadata)
    await runtime.run(() => pollUntil(client, () => !metadata.updateRequested))
    expect(asked).toEqual([4, 2])
    client.close()
  })

  test('a request that the node has no version for ends without being sent', async () => {
    await connected(async ({ runtime, broker, client, node }) => {
      const before = broker.requests.length
      const ended: string[] = []
      const onComplete = ({ versionMismatch }: ClientResponse<Fields>) => ended.push(versionMismatch?.message ?? '')
      const body = { replicaId: -1, isolationLevel: 0, topics: [] }
      client.send({ nodeId: node.id, api: ListOffsets, body, onComplete }, runtime.clock.monotonicMs())
      await runtime.run(() => client.poll(0))
      expect(ended).toEqual(['the node does not support ListOffsets'])
      expect(broker.requests).toHaveLength(before)
    })
  })
})

describe('a cluster that moved away', () => {
  test.each([
    ['rebootstrap', true],
    ['none', false],
  ] as const)('with metadata.recovery.strategy=%s', async (metadataRecoveryStrategy, found) => {
    await connected(
      async ({ runtime, broker, metadata, client }) => {
        // The broker tells an address where nobody is; only the bootstrap server is still there.
        broker.onRequest = request => {
          if (request.api.key !== MetadataApi.key) return false
          request.answer({ brokers: [{ nodeId: 7, host: '127.0.0.1', port: 1 }], clusterId: 'scripted', topics: [] })
          return true
        }
        metadata.requestUpdate(true)
        await runtime.run(() => pollUntil(client, () => metadata.fetch().nodeById(7) !== undefined))
        broker.disconnectAll()
        broker.onRequest = () => false
        metadata.requestUpdate(true)
        const deadlineMs = runtime.clock.monotonicMs() + 30_000
        await runtime.run(async () => {
          while (metadata.fetch().nodeById(1) === undefined && runtime.clock.monotonicMs() < deadlineMs) {
            await client.poll(1000)
          }
        })
        expect(metadata.fetch().nodeById(1) !== undefined).toBe(found)
      },
      { metadataRecoveryStrategy },
    )
  })
})
