import { crc32 } from 'node:zlib'
import { NetworkClient } from '../../src/network/network-client.ts'
import { DisconnectedError, RequestTimeoutError } from '../../src/network/network-client-errors.ts'
import { Fetch } from '../../src/protocol/apis/fetch.ts'
import { ListOffsets } from '../../src/protocol/apis/list-offsets.ts'
import { ErrorCode, errorName, isRetriable } from '../../src/protocol/errors.ts'
import { batches } from '../../src/protocol/records/batch.ts'
import { NetworkError } from '../../src/runtime/network.ts'
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

/**
 * Reads every partition over the wire, from its first offset to its tail, without any client library in between.
 *
 * @throws TrialError `liveness` when the broker does not let itself be read
 */
export async function readLogs(options: LogReaderOptions): Promise<PartitionLog[]> {
  const { host, port } = options
  const client = new NetworkClient(options.process, { host, port, clientId: 'log-reader' })
  try {
    await client.connect()
    const logs: PartitionLog[] = []
    for (let partition = 0; partition < options.partitions; partition++) {
      logs.push(await readPartition({ client, options }, partition))
    }
    return logs
  } catch (error) {
    if (!isOfTheNetwork(error)) throw error
    throw new TrialError('liveness', `the log cannot be read after healing: ${error.message}`, { cause: error })
  } finally {
    client.close()
  }
}

function isOfTheNetwork(error: unknown): error is Error {
  return error instanceof NetworkError || error instanceof DisconnectedError || error instanceof RequestTimeoutError
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
  if (next === position) throw unreadable(reader, partition, `Fetch gave nothing at offset ${position}, before the end`)
  return next
}

function offsetOf(reader: Reader, partition: number, timestamp: number): Promise<number> {
  const { client, options } = reader
  return fromLeader(reader, partition, 'ListOffsets', async () => {
    const response = await client.send(ListOffsets, LIST_OFFSETS_VERSION, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: options.topic, partitions: [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp }] }],
    })
    const found = response.topics[0]?.partitions[0]
    return { errorCode: found?.errorCode, value: found?.offset ?? -1 }
  })
}

function fetchFrom(reader: Reader, partition: number, fetchOffset: number): Promise<Buffer> {
  const { client, options } = reader
  const { topic } = options
  return fromLeader(reader, partition, 'Fetch', async () => {
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
    return { errorCode: found?.errorCode, value: found?.records ?? Buffer.alloc(0) }
  })
}

/** What a partition said; `errorCode` is undefined when the answer does not speak of it. */
interface Answer<T> {
  readonly errorCode: number | undefined
  readonly value: T
}

/** Asks until the partition has a leader again: a restarted broker's old session has to end first. */
async function fromLeader<T>(
  reader: Reader,
  partition: number,
  apiName: string,
  ask: () => Promise<Answer<T>>,
): Promise<T> {
  const { world } = reader.options.process
  const deadlineMs = world.nowMs + LEADER_LIMIT_MS
  for (;;) {
    const { errorCode, value } = await ask()
    if (errorCode === ErrorCode.NONE) return value
    if (errorCode === undefined || !isRetriable(errorCode) || world.nowMs > deadlineMs) {
      const answer = errorName(errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR)
      throw unreadable(reader, partition, `${apiName} answered ${answer}`)
    }
    await world.sleep(LEADER_RETRY_MS)
  }
}

function unreadable({ options }: Reader, partition: number, why: string): TrialError {
  return new TrialError('liveness', `${options.topic}-${partition} cannot be read after healing: ${why}`)
}
