import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NetworkClient } from '../../src/network/network-client.ts'
import { Fetch } from '../../src/protocol/apis/fetch.ts'
import { batches } from '../../src/protocol/records/batches.ts'
import type { RecordBatchView } from '../../src/protocol/records/record-batch-view.ts'
import { createNodeRuntime } from '../../src/runtime/node/node-runtime.ts'
import { KafkaConfig } from '../../src/server/config/kafka-config.ts'
import { KafkaRaftServer } from '../../src/server/kafka-raft-server.ts'

export interface RealBroker {
  readonly server: KafkaRaftServer
  /** `host:port` for clients. */
  readonly bootstrap: string
  /** Stops the broker and starts it again on the same files and port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** A broker on real TCP and real files, in a directory that goes when it stops. */
export async function startRealBroker(config: Readonly<Record<string, string>> = {}): Promise<RealBroker> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'kafka-trial-'))
  const start = async (port: number): Promise<KafkaRaftServer> => {
    const properties = {
      'process.roles': 'broker,controller',
      'node.id': '1',
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:0`,
      'controller.listener.names': 'CONTROLLER',
      'controller.quorum.voters': '1@127.0.0.1:0',
      'log.dirs': 'data',
      ...config,
    }
    const runtime = createNodeRuntime({ name: 'broker-1', dataDirectory })
    const server = new KafkaRaftServer(runtime, KafkaConfig.fromProperties(new Map(Object.entries(properties))))
    await server.startup()
    return server
  }
  let server = await start(0)
  const port = server.boundPort()
  return {
    get server() {
      return server
    },
    bootstrap: `127.0.0.1:${port}`,
    async restart() {
      await server.shutdown()
      server = await start(port)
    },
    async stop() {
      await server.shutdown()
      await rm(dataDirectory, { recursive: true, force: true })
    },
  }
}

/** The batches of a partition, as the broker stores them. */
export async function fetchBatches(broker: RealBroker, topic: string, partition = 0): Promise<RecordBatchView[]> {
  const runtime = createNodeRuntime({ name: 'reader', dataDirectory: tmpdir() })
  const client = new NetworkClient(runtime, { host: '127.0.0.1', port: broker.server.boundPort(), clientId: 'reader' })
  await client.connect()
  const partitions = [{ partition, fetchOffset: 0, partitionMaxBytes: 10_000_000 }]
  const response = await client.send(Fetch, 12, { maxWaitMs: 0, minBytes: 1, topics: [{ topic, partitions }] })
  client.close()
  return [...batches(response.responses[0]?.partitions[0]?.records ?? Buffer.alloc(0))]
}

/** The values of a partition. KafkaJS and others read only in groups, which the broker does not have yet. */
export async function fetchValues(broker: RealBroker, topic: string, partition = 0): Promise<string[]> {
  const found = await fetchBatches(broker, topic, partition)
  return found.flatMap(batch => [...batch.records()].map(record => `${record.value}`))
}
