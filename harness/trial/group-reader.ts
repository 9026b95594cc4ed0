import { NetworkClient } from '../../src/network/network-client.ts'
import { CoordinatorType, FindCoordinator } from '../../src/protocol/apis/find-coordinator.ts'
import { OffsetFetch } from '../../src/protocol/apis/offset-fetch.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { SimulatedProcess } from '../world/process.ts'
import { isOfTheNetwork } from './cluster-admin.ts'

const FIND_COORDINATOR_VERSION = 4
const OFFSET_FETCH_VERSION = 8
const REQUEST_TIMEOUT_MS = 5000

interface Address {
  readonly host: string
  readonly port: number
}

export interface GroupReaderOptions {
  readonly process: SimulatedProcess
  /** Brokers that are asked who coordinates. */
  readonly bootstrap: readonly Address[]
  readonly topic: string
  readonly partitions: number
}

/** Asks coordinators over the wire what groups have committed, without any client library in between. */
export class GroupReader {
  readonly #options: GroupReaderOptions
  #asked = 0

  constructor(options: GroupReaderOptions) {
    this.#options = options
  }

  /** By partition: the committed offset, −1 when there is none; undefined when nobody answers as the coordinator now. */
  async committed(groupId: string): Promise<number[] | undefined> {
    const { bootstrap } = this.#options
    try {
      const coordinator = await this.#coordinatorOf(groupId, bootstrap[this.#asked++ % bootstrap.length] as Address)
      return coordinator && (await this.#offsetsAt(coordinator, groupId))
    } catch (error) {
      if (!isOfTheNetwork(error)) throw error
      return undefined
    }
  }

  #coordinatorOf(groupId: string, broker: Address): Promise<Address | undefined> {
    return this.#with(broker, async client => {
      const response = await client.send(FindCoordinator, FIND_COORDINATOR_VERSION, {
        keyType: CoordinatorType.GROUP,
        coordinatorKeys: [groupId],
      })
      const found = response.coordinators[0]
      return found?.errorCode === ErrorCode.NONE ? { host: found.host, port: found.port } : undefined
    })
  }

  #offsetsAt(coordinator: Address, groupId: string): Promise<number[] | undefined> {
    const { topic, partitions } = this.#options
    const partitionIndexes = Array.from({ length: partitions }, (_, index) => index)
    return this.#with(coordinator, async client => {
      const response = await client.send(OffsetFetch, OFFSET_FETCH_VERSION, {
        groups: [{ groupId, topics: [{ name: topic, partitionIndexes }] }],
        requireStable: true,
      })
      const group = response.groups[0]
      if (group === undefined || group.errorCode !== ErrorCode.NONE) return undefined
      const offsets = new Array<number>(partitions).fill(-1)
      for (const { partitionIndex, committedOffset, errorCode } of group.topics[0]?.partitions ?? []) {
        if (errorCode !== ErrorCode.NONE) return undefined
        offsets[partitionIndex] = Number(committedOffset)
      }
      return offsets
    })
  }

  async #with<T>({ host, port }: Address, ask: (client: NetworkClient) => Promise<T>): Promise<T> {
    const { process } = this.#options
    const options = { host, port, clientId: 'group-reader', requestTimeoutMs: REQUEST_TIMEOUT_MS }
    const client = new NetworkClient(process, options)
    try {
      await client.connect()
      return await ask(client)
    } finally {
      client.close()
    }
  }
}
