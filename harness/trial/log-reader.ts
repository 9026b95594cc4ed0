import { crc32 } from 'node:zlib'
import { NetworkClient } from '../../src/network/network-client.ts'
import { Fetch } from '../../src/protocol/apis/fetch.ts'
import { ListOffsets } from '../../src/protocol/apis/list-offsets.ts'
import { ErrorCode, errorName, isRetriable } from '../../src/protocol/errors.ts'
import { batches } from '../../src/protocol/records/batch.ts'
import type { LoggedRecord, PartitionLog } from '../checkers/evidence.ts'
import type { SimulatedProcess } from '../world/process.ts'
import { TrialError } from './result.ts'

const LIST_OFFSETS_VERSION = 5
const FETCH_VERSION = 11
const LATEST = -1
const EARLIEST = -2
const FETCH_BYTES = 1_048_576
/** A partition must have a leader within this time after healing. */
const LEADER_LIMIT_MS = 120_000
const LEADER_RETRY_MS = 500

export interface LogReaderOptions {
  readonly process: SimulatedProcess
  readonly host: string
  readonly port: number
  readonly topic: string
  readonly partitions: number
}

interface Reader {
  readonly client: NetworkClient
  readonly options: LogReaderOptions
}

/** Reads every partition over the wire, from its first offset to its tail, without any client library in between. */
export async function readLogs(options: LogReaderOptions): Promise<PartitionLog[]> {
  const { host, port } = options
  const client = new NetworkClient(options.process, { host, port, clientId: 'log-reader' })
  await client.connect()
  try {
    const logs: PartitionLog[] = []
    for (let partition = 0; partition < options.partitions; partition++) {
      logs.push(await readPartition({ client, options }, partition))
    }
    return logs
  } finally {
    client.close()
  }
}

async function readPartition(reader: Reader, partition: number): Promise<PartitionLog> {
  const logStartOffset = await offsetOf(reader, partition, EARLIEST)
  const records: LoggedRecord[] = []
  let position = logStartOffset
  let endOffset = await offsetOf(reader, partition, LATEST)
  // A request that was delayed on its way can still be appended while the log is read: go on until the tail stands still.
  while (position < endOffset) {
    position = await readBatches(reader, partition, position, records)
    if (position >= endOffset) endOffset = await offsetOf(reader, partition, LATEST)
  }
  return { partition, logStartOffset, endOffset, records }
}

/** Adds what one Fetch from `position` returns. Returns the offset after it. */
async function readBatches(
  reader: Reader,
  partition: number,
  position: number,
  records: LoggedRecord[],
): Promise<number> {
  let next = position
  for (const batch of batches(await fetchFrom(reader, partition, position))) {
    for (const { offset, key, value } of batch.records()) {
      if (offset < next) continue
      records.push({ offset, id: key?.toString() ?? '(no key)', valueCrc: crc32(value ?? Buffer.alloc(0)) })
    }
    next = Math.max(next, batch.nextOffset)
  }
  if (next === position)
    throw new Error(`${reader.options.topic}-${partition}: nothing can be read at offset ${position}, before the end`)
  return next
}

/** Asks for an offset until the partition has a leader again: a restarted broker's old session has to end first. */
async function offsetOf(reader: Reader, partition: number, timestamp: number): Promise<number> {
  const { client, options } = reader
  const deadlineMs = options.process.world.nowMs + LEADER_LIMIT_MS
  for (;;) {
    const response = await client.send(ListOffsets, LIST_OFFSETS_VERSION, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: options.topic, partitions: [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp }] }],
    })
    const found = response.topics[0]?.partitions[0]
    if (found?.errorCode === ErrorCode.NONE) return found.offset
    const answer = errorName(found?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR)
    if (found === undefined || !isRetriable(found.errorCode) || options.process.world.nowMs > deadlineMs) {
      throw new TrialError(
        'liveness',
        `${options.topic}-${partition} cannot be read after healing: ListOffsets answered ${answer}`,
      )
    }
    await options.process.world.sleep(LEADER_RETRY_MS)
  }
}

async function fetchFrom({ client, options }: Reader, partition: number, fetchOffset: number): Promise<Buffer> {
  const { topic } = options
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
