import type { ClientName } from '../../harness/trial/scenario.ts'
import { loadClient } from '../../harness/workloads/clients/load.ts'
import { NetworkClient } from '../../src/network/network-client.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { buildBatch } from '../../src/protocol/records/batch.ts'
import { type MakeAppender, TOPIC } from './siege.ts'

const REQUEST_TIMEOUT_MS = 30_000

/** A client that does no more than it must: one connection, one request after the other, no second try. */
export const rawAppender: MakeAppender = (process, bootstrap) => {
  const [host = '', port = ''] = bootstrap.split(':')
  const client = new NetworkClient(process, { host, port: Number(port), clientId: 'app' })
  return {
    connect: () => client.connect(),
    append: async id => {
      const key = Buffer.from(id)
      const records = buildBatch({ records: [{ key, value: key, timestamp: process.clock.wallMs() }] })
      const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }]
      const body = { acks: -1, timeoutMs: REQUEST_TIMEOUT_MS, topicData }
      const response = await client.send(Produce, 9, body)
      const code = response.responses[0]?.partitionResponses[0]?.errorCode ?? -1
      if (code !== 0) throw new Error(`${id} was refused with ${errorName(code)}`)
    },
    close: async () => client.close(),
  }
}

/** An unmodified library; its retries are off, because it must not need any. */
export async function libraryAppender(name: ClientName): Promise<MakeAppender> {
  const createClient = await loadClient(name)
  return (runtime, bootstrap) => {
    const client = createClient({
      runtime,
      clientId: 'app',
      bootstrap: [bootstrap],
      topic: TOPIC,
      spec: {
        client: name,
        acks: -1,
        idempotent: false,
        maxInFlight: null,
        retries: 0,
        requestTimeoutMs: REQUEST_TIMEOUT_MS,
        compression: 'none',
        sequential: true,
        renewAfterError: false,
        sends: [],
      },
      log: () => undefined,
    })
    return {
      connect: () => client.connect(),
      append: async id => {
        await client.send(0, [{ key: id, value: Buffer.from(id) }])
      },
      close: () => client.close(),
    }
  }
}
