import { crc32 } from 'node:zlib'
import { NetworkClient } from '../../src/network/network-client.ts'
import { Fetch } from '../../src/protocol/apis/fetch.ts'
import { ListOffsets } from '../../src/protocol/apis/list-offsets.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { batches } from '../../src/protocol/records/batch.ts'
import type { LoggedRecord, PartitionLog } from '../checkers/evidence.ts'
import type { SimulatedProcess } from '../world/process.ts'

const LIST_OFFSETS_VERSION = 5
const FETCH_VERSION = 11
const LATEST = -1
const EARLIEST = -2
const FETCH_BYTES = 1_048_576

export interface LogReaderOptions {
  readonly process: SimulatedProcess
  readonly host: string
  readonly port: number
  readonly topic: string
  readonly partitions: number
}

/** Reads every partition over the wire, from its first offset to its tail, without any client library in between. */
export async function readLogs(options: LogReaderOptions): Promise<PartitionLog[]> {
  const { host, port } = options
  const client = new NetworkClient(options.process, { host, port, clientId: 'log-reader' })
  await client.connect()
  try {
    const logs: PartitionLog[] = []
    for (let partition = 0; partition < options.partitions; partition++) {
      logs.push(await readPartition(client, options.topic, partition))
    }
    return logs
  } finally {
    client.close()
  }
}

async function readPartition(client: NetworkClient, topic: string, partition: number): Promise<PartitionLog> {
  const logStartOffset = await offsetOf(client, topic, partition, EARLIEST)
  const endOffset = await offsetOf(client, topic, partition, LATEST)
  const records: LoggedRecord[] = []
  let position = logStartOffset
  while (position < endOffset) {
    const bytes = await fetchFrom(client, topic, partition, position)
    const before = position
    for (const batch of batches(bytes)) {
      for (const record of batch.records()) {
        if (record.offset < position) continue
        records.push({
          offset: record.offset,
          id: record.key?.toString() ?? '(no key)',
          valueCrc: crc32(record.value ?? Buffer.alloc(0)),
        })
      }
      position = Math.max(position, batch.nextOffset)
    }
    if (position === before)
      throw new Error(
        `${topic}-${partition}: nothing can be read at offset ${position} although the log ends at ${endOffset}`,
      )
  }
  return { partition, logStartOffset, endOffset, records }
}

async function offsetOf(client: NetworkClient, topic: string, partition: number, timestamp: number): Promise<number> {
  const response = await client.send(ListOffsets, LIST_OFFSETS_VERSION, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp }] }],
  })
  const found = response.topics[0]?.partitions[0]
  if (found === undefined || found.errorCode !== 0)
    throw new Error(`${topic}-${partition}: ListOffsets answered ${errorName(found?.errorCode ?? -1)}`)
  return found.offset
}

async function fetchFrom(
  client: NetworkClient,
  topic: string,
  partition: number,
  fetchOffset: number,
): Promise<Buffer> {
  const response = await client.send(Fetch, FETCH_VERSION, {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: FETCH_BYTES,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        topic,
        partitions: [
          { partition, currentLeaderEpoch: -1, fetchOffset, logStartOffset: -1, partitionMaxBytes: FETCH_BYTES },
        ],
      },
    ],
    forgottenTopicsData: [],
    rackId: '',
  })
  const found = response.responses[0]?.partitions[0]
  if (found === undefined || found.errorCode !== 0)
    throw new Error(`${topic}-${partition}: Fetch answered ${errorName(found?.errorCode ?? -1)}`)
  return found.records ?? Buffer.alloc(0)
}
