import { describe, expect, test } from 'vitest'
import type { ClientResponse } from '../../src/clients/client-response.ts'
import { KafkaClient, type KafkaClientOptions } from '../../src/clients/kafka-client.ts'
import { Metadata } from '../../src/clients/metadata.ts'
import { ListOffsets } from '../../src/protocol/apis/list-offsets.ts'
import { Metadata as MetadataApi } from '../../src/protocol/apis/metadata.ts'
import type { Fields } from '../../src/protocol/schema.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import { BrokerUnderTest } from '../support/broker-under-test.ts'

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
