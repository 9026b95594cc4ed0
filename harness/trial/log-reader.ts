import { crc32 } from 'node:zlib'
import { NetworkClient } from '../../src/network/network-client.ts'
import { Fetch } from '../../src/protocol/apis/fetch.ts'
import { ListOffsets } from '../../src/protocol/apis/list-offsets.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { ErrorCode, errorName, isRetriable } from '../../src/protocol/errors.ts'
import { batches } from '../../src/protocol/records/batch.ts'
import { RecordsError } from '../../src/protocol/records/errors.ts'
import type { LoggedRecord, PartitionLog } from '../checkers/evidence.ts'
import { identityOf } from '../history/history.ts'
import type { SimulatedProcess } from '../world/process.ts'
import { isOfTheNetwork } from './cluster-admin.ts'
import { TrialError } from './result.ts'

const METADATA_VERSION = 9
const LIST_OFFSETS_VERSION = 5
const FETCH_VERSION = 11
const LATEST = -1
const EARLIEST = -2
const FETCH_BYTES = 1_048_576
/** A partition must have a leader that answers within this time after healing. */
const LEADER_LIMIT_MS = 120_000
const LEADER_RETRY_MS = 500

interface Address {
  readonly host: string
  readonly port: number
}

export interface LogReaderOptions {
  readonly process: SimulatedProcess
  /** Brokers that are asked who leads. */
  readonly bootstrap: readonly Address[]
  readonly topic: string
  readonly partitions: number
  /** A disk holds rubbish: of a partition that cannot be read on, what was read so far is all there is. Default false. */
  readonly mayBeRotten?: boolean
}

/**
 * Reads every partition over the wire from its leader, from its first offset to its tail, without any client library in
 * between.
 *
 * @throws TrialError `liveness` when the cluster does not let itself be read
 */
export async function readLogs(options: LogReaderOptions): Promise<PartitionLog[]> {
  const reader = new LogReader(options)
  try {
    const logs: PartitionLog[] = []
    for (let partition = 0; partition < options.partitions; partition++) {
      logs.push(await reader.readPartition(partition))
    }
    return logs
  } finally {
    reader.close()
  }
}

/** What a partition's leader said; `errorCode` is undefined when the answer does not speak of it. */
interface Answer<T> {
  readonly errorCode: number | undefined
  readonly value: T
}

class LogReader {
  readonly #options: LogReaderOptions
  /** Connections, by `host:port`. */
  readonly #clients = new Map<string, NetworkClient>()
  /** By partition, as last asked. */
  #leaders = new Map<number, Address>()
  #asked = 0

  constructor(options: LogReaderOptions) {
    this.#options = options
  }

  async readPartition(partition: number): Promise<PartitionLog> {
    const records: LoggedRecord[] = []
    let logStartOffset = 0
    let position = 0
    try {
      logStartOffset = await this.#offset(partition, EARLIEST)
      position = logStartOffset
      let endOffset = await this.#offset(partition, LATEST)
      // A request that was delayed on its way can still be appended while the log is read: go on until the tail stands still.
      while (position < endOffset) {
        position = await this.#readBatches(partition, position, records)
        if (position >= endOffset) endOffset = await this.#offset(partition, LATEST)
      }
      return { partition, logStartOffset, endOffset, records }
    } catch (error) {
      const isUnreadable = error instanceof TrialError || error instanceof RecordsError
      if (isUnreadable && this.#options.mayBeRotten === true) {
        return { partition, logStartOffset, endOffset: position, records }
      }
      throw error
    }
  }

  close(): void {
    for (const client of this.#clients.values()) client.close()
  }

  /** Adds what one Fetch from `position` returns. Returns the offset after it. Batches that are damaged hold no record. */
  async #readBatches(partition: number, position: number, records: LoggedRecord[]): Promise<number> {
    let next = position
    for (const batch of batches(await this.#fetch(partition, position))) {
      if (batch.isValidCrc()) {
        for (const { offset, key, value } of batch.records()) {
          if (offset < next) continue
          records.push({ offset, id: identityOf(key?.toString(), value), valueCrc: crc32(value ?? Buffer.alloc(0)) })
        }
      }
      next = Math.max(next, batch.nextOffset)
    }
    if (next === position) throw this.#unreadable(partition, `Fetch gave nothing at offset ${position}, before the end`)
    return next
  }

  #offset(partition: number, timestamp: number): Promise<number> {
    const { topic } = this.#options
    return this.#fromLeader(partition, 'ListOffsets', async client => {
      const response = await client.send(ListOffsets, LIST_OFFSETS_VERSION, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name: topic, partitions: [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp }] }],
      })
      const found = response.topics[0]?.partitions[0]
      return { errorCode: found?.errorCode, value: found?.offset ?? -1 }
    })
  }

  #fetch(partition: number, fetchOffset: number): Promise<Buffer> {
    const { topic } = this.#options
    return this.#fromLeader(partition, 'Fetch', async client => {
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

  /** Asks whoever leads until there is an answer: an old session may have to end before a leader is elected. */
  async #fromLeader<T>(
    partition: number,
    apiName: string,
    ask: (client: NetworkClient) => Promise<Answer<T>>,
  ): Promise<T> {
    const { world } = this.#options.process
    const deadlineMs = world.nowMs + LEADER_LIMIT_MS
    for (;;) {
      const { errorCode, value, why } = await this.#askLeader(partition, apiName, ask)
      if (errorCode === ErrorCode.NONE && value !== undefined) return value
      const final = errorCode !== undefined && !isRetriable(errorCode)
      if (final || world.nowMs > deadlineMs) throw this.#unreadable(partition, why)
      this.#leaders = new Map()
      await world.sleep(LEADER_RETRY_MS)
    }
  }

  /** One question. Without an answer the code is undefined, and `why` says what went wrong. */
  async #askLeader<T>(
    partition: number,
    apiName: string,
    ask: (client: NetworkClient) => Promise<Answer<T>>,
  ): Promise<{ readonly errorCode: number | undefined; readonly value?: T; readonly why: string }> {
    try {
      const leader = await this.#leader(partition)
      if (leader === undefined) return { errorCode: undefined, why: 'it has no leader' }
      const answer = await ask(await this.#client(leader))
      const errorCode = answer.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR
      return { errorCode, value: answer.value, why: `${apiName} answered ${errorName(errorCode)}` }
    } catch (error) {
      if (!isOfTheNetwork(error)) throw error
      return { errorCode: undefined, why: error.message }
    }
  }

  async #leader(partition: number): Promise<Address | undefined> {
    const known = this.#leaders.get(partition)
    if (known !== undefined) return known
    const { bootstrap, topic } = this.#options
    const broker = bootstrap[this.#asked++ % bootstrap.length] as Address
    const client = await this.#client(broker)
    const response = await client.send(Metadata, METADATA_VERSION, { topics: [{ name: topic }] })
    const brokers = new Map(response.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    for (const { partitionIndex, leaderId } of response.topics[0]?.partitions ?? []) {
      const leader = brokers.get(leaderId)
      if (leader !== undefined) this.#leaders.set(partitionIndex, leader)
    }
    return this.#leaders.get(partition)
  }

  async #client({ host, port }: Address): Promise<NetworkClient> {
    const key = `${host}:${port}`
    const open = this.#clients.get(key)
    if (open?.connected) return open
    const client = new NetworkClient(this.#options.process, { host, port, clientId: 'log-reader' })
    await client.connect()
    this.#clients.set(key, client)
    return client
  }

  #unreadable(partition: number, why: string): TrialError {
    return new TrialError('liveness', `${this.#options.topic}-${partition} cannot be read after healing: ${why}`)
  }
}
