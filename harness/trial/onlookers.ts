import { crc32 } from 'node:zlib'
import { NetworkClient } from '../../src/network/network-client.ts'
import { Fetch } from '../../src/protocol/apis/fetch.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { batches } from '../../src/protocol/records/batch.ts'
import type { ReadRecord } from '../checkers/evidence.ts'
import { identityOf } from '../history/history.ts'
import type { SimulatedProcess } from '../world/process.ts'
import type { World } from '../world/world.ts'
import { isOfTheNetwork } from './cluster-admin.ts'
import type { ClusterNode } from './cluster-node.ts'
import type { ClusterSpec } from './scenario.ts'

/** With a rack, even an empty one, a consumer may read from any replica (KIP-392). */
const FETCH_VERSION = 11
const FETCH_BYTES = 1_048_576
const MAX_WAIT_MS = 500
const REQUEST_TIMEOUT_MS = 5000
const RETRY_MS = 250
/** Records of one partition and replica that are remembered; what comes after them is read, but not noted. */
const MAX_RECORDS = 20_000

const NO_EPOCH = -1
const WRONG_EPOCH: ReadonlySet<number> = new Set([ErrorCode.FENCED_LEADER_EPOCH, ErrorCode.UNKNOWN_LEADER_EPOCH])

type Broker = Pick<ClusterNode, 'id' | 'name' | 'port'>
type Topic = Pick<ClusterSpec['topic'], 'name' | 'partitions'>

/**
 * Consumers that look on during chaos, from a machine of their own: each reads every partition from one broker, whether that
 * leads it or follows, as far as it lets consumers see, and again from the beginning when its place is gone. Each asks in the
 * leader epoch of what it was shown last (KIP-320), and once the broker says that this is not the present one, in any. They note
 * each record that they are shown, once for each broker and place, and again if it is another one.
 */
export class Onlookers {
  readonly reads: ReadRecord[] = []
  readonly #world: World
  readonly #process: SimulatedProcess

  constructor(world: World) {
    this.#world = world
    this.#process = world.host('onlooker').process()
  }

  start(brokers: readonly Broker[], topic: Topic): void {
    for (const broker of brokers) {
      const onlooker = new Onlooker(this.#process, broker, topic, this.reads)
      this.#process.run(() => onlooker.run()).catch((error: unknown) => this.#world.fail(error))
    }
  }

  stop(): void {
    this.#process.kill()
  }
}

class Onlooker {
  readonly #process: SimulatedProcess
  readonly #broker: Broker
  readonly #topic: string
  readonly #reads: ReadRecord[]
  /** By partition: what is to be read next. */
  readonly #positions: number[]
  /** By partition: the leader epoch in which it is asked for; -1: in any. */
  readonly #epochs: number[]
  /** By partition and offset. */
  readonly #seen: Map<number, ReadRecord>[]

  constructor(process: SimulatedProcess, broker: Broker, { name, partitions }: Topic, reads: ReadRecord[]) {
    this.#process = process
    this.#broker = broker
    this.#topic = name
    this.#reads = reads
    this.#positions = Array.from({ length: partitions }, () => 0)
    this.#epochs = this.#positions.map(() => NO_EPOCH)
    this.#seen = this.#positions.map(() => new Map())
  }

  async run(): Promise<never> {
    for (;;) {
      const { name: host, port } = this.#broker
      const options = { host, port, clientId: 'onlooker', requestTimeoutMs: REQUEST_TIMEOUT_MS }
      const client = new NetworkClient(this.#process, options)
      try {
        await client.connect()
        for (;;) if (!(await this.#look(client))) await this.#process.world.sleep(RETRY_MS)
      } catch (error) {
        if (!isOfTheNetwork(error)) throw error
        client.close()
        await this.#process.world.sleep(RETRY_MS)
      }
    }
  }

  /** Whether every partition could be read. */
  async #look(client: NetworkClient): Promise<boolean> {
    const response = await client.send(Fetch, FETCH_VERSION, {
      replicaId: -1,
      maxWaitMs: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic: this.#topic, partitions: this.#positions.map((_, partition) => this.#request(partition)) }],
      forgottenTopicsData: [],
      rackId: '',
    })
    let could = true
    for (const { partitionIndex, errorCode, records } of response.responses[0]?.partitions ?? []) {
      if (errorCode === ErrorCode.NONE) {
        this.#note(partitionIndex, records ?? Buffer.alloc(0))
      } else {
        could = false
        if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) this.#positions[partitionIndex] = 0
        if (WRONG_EPOCH.has(errorCode)) this.#epochs[partitionIndex] = NO_EPOCH
      }
    }
    return could
  }

  #request(partition: number) {
    const currentLeaderEpoch = this.#epochs[partition] ?? NO_EPOCH
    const fetchOffset = this.#positions[partition] ?? 0
    return { partition, currentLeaderEpoch, fetchOffset, logStartOffset: -1, partitionMaxBytes: FETCH_BYTES }
  }

  /** Damaged batches are passed over. */
  #note(partition: number, bytes: Buffer): void {
    const from = this.#positions[partition] ?? 0
    const askedEpoch = this.#epochs[partition] ?? NO_EPOCH
    for (const batch of batches(bytes)) {
      if (batch.isValidCrc()) {
        for (const { offset, key, value } of batch.records()) {
          if (offset < from) continue
          const record = { offset, id: identityOf(key?.toString(), value), valueCrc: crc32(value ?? Buffer.alloc(0)) }
          this.#remember({ partition, ...record, epoch: batch.partitionLeaderEpoch, askedEpoch })
        }
        this.#epochs[partition] = batch.partitionLeaderEpoch
      }
      this.#positions[partition] = Math.max(from, batch.nextOffset)
    }
  }

  #remember(record: Omit<ReadRecord, 'ms' | 'node'>): void {
    const seen = this.#seen[record.partition]
    const before = seen?.get(record.offset)
    if (seen === undefined || seen.size >= MAX_RECORDS) return
    if (before?.id === record.id && before.valueCrc === record.valueCrc) return
    const read = { ms: this.#process.world.nowMs, node: this.#broker.id, ...record }
    seen.set(record.offset, read)
    this.#reads.push(read)
  }
}
