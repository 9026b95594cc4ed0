import type { CreateClient } from '../../harness/workloads/clients/load.ts'
import type { ClientRecord, ProducerClient } from '../../harness/workloads/clients/producer-client.ts'
import { currentContext } from '../../harness/world/context.ts'
import type { SimulatedProcess } from '../../harness/world/process.ts'
import type { World } from '../../harness/world/world.ts'
import { NetworkClient } from '../../src/network/network-client.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { buildBatch } from '../../src/protocol/records/batch.ts'

/** Where a client runs, for tests that let it do harm. */
export interface Surroundings {
  readonly world: World
  readonly process: SimulatedProcess
}

export function surroundings(): Surroundings {
  const context = currentContext()
  if (context?.process === undefined) throw new Error('a client runs in a process')
  return { world: context.world, process: context.process }
}

/** A client without a library: one connection, one request after the other, no second try. */
export const createRawClient: CreateClient = ({ clientId, bootstrap, topic, spec }): ProducerClient => {
  const { process } = surroundings()
  const [host = '', port = ''] = bootstrap[0]?.split(':') ?? []
  let connection: NetworkClient | undefined
  const send = async (partition: number, sent: readonly ClientRecord[]): Promise<number> => {
    if (connection === undefined) throw new Error('not connected')
    const timestamp = process.clock.wallMs()
    const records = buildBatch({
      records: sent.map(({ key, value }) => ({ key: Buffer.from(key), value, timestamp })),
    })
    const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }]
    const response = await connection.send(Produce, 9, { acks: spec.acks, timeoutMs: 30_000, topicData })
    const result = response.responses[0]?.partitionResponses[0]
    if (result?.errorCode !== 0) throw new Error(errorName(result?.errorCode ?? -1))
    return result.baseOffset
  }
  return {
    connect: async () => {
      connection = new NetworkClient(process, { host, port: Number(port), clientId })
      await connection.connect()
    },
    send,
    sendByKey: async records => ({ partition: 0, baseOffset: await send(0, records) }),
    close: async () => connection?.close(),
    isDefiniteFailure: () => false,
    brokerErrorOf: () => undefined,
  }
}

/** A raw client that does something else when the application sends for the first time. */
export function clientThat(does: (where: Surroundings) => Promise<void> | void): CreateClient {
  return options => {
    const client = createRawClient(options)
    const where = surroundings()
    let done = false
    return {
      ...client,
      send: async (partition, records) => {
        if (!done) {
          done = true
          await does(where)
        }
        return await client.send(partition, records)
      },
    }
  }
}
