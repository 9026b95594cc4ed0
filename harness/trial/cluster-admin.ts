import { NetworkClient } from '../../src/network/network-client.ts'
import { DisconnectedError, RequestTimeoutError } from '../../src/network/network-client-errors.ts'
import type { Api } from '../../src/protocol/api.ts'
import { AlterPartitionReassignments } from '../../src/protocol/apis/alter-partition-reassignments.ts'
import { CreateTopics } from '../../src/protocol/apis/create-topics.ts'
import { ElectionType, ElectLeaders } from '../../src/protocol/apis/elect-leaders.ts'
import { ListPartitionReassignments } from '../../src/protocol/apis/list-partition-reassignments.ts'
import { ErrorCode, errorName, isRetriable } from '../../src/protocol/errors.ts'
import type { Fields, Message, MessageInput } from '../../src/protocol/schema.ts'
import { NetworkError } from '../../src/runtime/network.ts'
import type { SimulatedProcess } from '../world/process.ts'
import type { World } from '../world/world.ts'
import type { Cluster } from './cluster.ts'
import { TrialError } from './result.ts'

const CREATE_TOPICS_VERSION = 7
const ELECT_LEADERS_VERSION = 2
const REASSIGNMENTS_VERSION = 1
const LIST_REASSIGNMENTS_VERSION = 0
const SETUP_TIMEOUT_MS = 2000
const REQUEST_TIMEOUT_MS = 5000
/** A request that no broker has answered by then is given up. */
const LIMIT_MS = 60_000
const RETRY_MS = 200

/** An answer's code, and what it says to it. */
interface Reply {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** A person who administers the cluster, from a machine of its own. */
export class ClusterAdmin {
  readonly #world: World
  readonly #cluster: Cluster
  readonly #process: SimulatedProcess
  /** What is to be done, whatever happens, and is not done yet. */
  readonly #owed = new Set<{ readonly what: string }>()
  /** The latest thing to do with each partition. */
  readonly #last = new Map<number, Promise<void>>()

  constructor(world: World, cluster: Cluster) {
    this.#world = world
    this.#cluster = cluster
    this.#process = world.host('admin').process()
  }

  /** What is still to be put right of what it has done, a sentence each. */
  get owed(): readonly string[] {
    return [...this.#owed].map(({ what }) => what)
  }

  /** Does something about a partition in the background, after what it was asked to do with it before. */
  start(partition: number, body: () => Promise<void>): void {
    const before = this.#last.get(partition) ?? Promise.resolve()
    const done = this.#process.run(() => before.then(body)).catch((error: unknown) => this.#world.fail(error))
    this.#last.set(partition, done)
  }

  /** As `start`, but tries again until it is done, for as long as the trial lasts. `what` names it meanwhile. */
  owe(partition: number, what: string, body: () => Promise<boolean>): void {
    // Not by its words: the same may be owed twice.
    const debt = { what }
    this.#owed.add(debt)
    this.start(partition, async () => {
      while (!(await body())) await this.#world.sleep(RETRY_MS)
      this.#owed.delete(debt)
    })
  }

  /** @throws TrialError when the topic cannot be created */
  async createTopic(): Promise<void> {
    const { name, partitions, replicationFactor, config } = this.#cluster.spec.topic
    const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }))
    const reply = await this.#repeat(async () => {
      const response = await this.#ask(CreateTopics, CREATE_TOPICS_VERSION, {
        topics: [{ name, numPartitions: partitions, replicationFactor, assignments: [], configs }],
        timeoutMs: REQUEST_TIMEOUT_MS,
        validateOnly: false,
      })
      const created = response?.topics[0]
      return created && { errorCode: created.errorCode, errorMessage: created.errorMessage }
    })
    if (reply.errorCode === ErrorCode.NONE) return
    const why = `${errorName(reply.errorCode)} ${reply.errorMessage ?? ''}`
    throw new TrialError('internal', `topic ${name} could not be created: ${why}`)
  }

  /** Gives a partition of the topic these replicas, in this order. What Kafka answers; the move itself goes on after it. */
  reassign(partition: number, replicas: readonly number[]): Promise<Reply> {
    const { name } = this.#cluster.spec.topic
    return this.#repeat(async () => {
      const response = await this.#ask(AlterPartitionReassignments, REASSIGNMENTS_VERSION, {
        timeoutMs: REQUEST_TIMEOUT_MS,
        topics: [{ name, partitions: [{ partitionIndex: partition, replicas: [...replicas] }] }],
      })
      if (response === undefined || response.errorCode !== ErrorCode.NONE) return response
      const found = response.responses[0]?.partitions[0]
      return found && { errorCode: found.errorCode, errorMessage: found.errorMessage }
    })
  }

  /** Whether the controller knows that a partition has all replicas that it was given last, and only those. */
  async hasItsReplicas(partition: number): Promise<boolean> {
    const { name } = this.#cluster.spec.topic
    let underWay = true
    const { errorCode } = await this.#repeat(async () => {
      const response = await this.#ask(ListPartitionReassignments, LIST_REASSIGNMENTS_VERSION, {
        timeoutMs: REQUEST_TIMEOUT_MS,
        topics: [{ name, partitionIndexes: [partition] }],
      })
      underWay = response === undefined || response.topics.length > 0
      return response && { errorCode: response.errorCode, errorMessage: response.errorMessage }
    })
    return errorCode === ErrorCode.NONE && !underWay
  }

  /** Lets the first of a partition's replicas lead it. */
  electPreferred(partition: number): Promise<Reply> {
    const { name } = this.#cluster.spec.topic
    return this.#repeat(async () => {
      const response = await this.#ask(ElectLeaders, ELECT_LEADERS_VERSION, {
        electionType: ElectionType.PREFERRED,
        topicPartitions: [{ topic: name, partitions: [partition] }],
        timeoutMs: REQUEST_TIMEOUT_MS,
      })
      if (response === undefined) return undefined
      if (response.errorCode !== ErrorCode.NONE) return { errorCode: response.errorCode, errorMessage: null }
      const found = response.replicaElectionResults[0]?.partitionResult[0]
      return found && { errorCode: found.errorCode, errorMessage: found.errorMessage }
    })
  }

  /** Asks until the answer is final, or the time is up. */
  async #repeat(ask: () => Promise<Reply | undefined>): Promise<Reply> {
    const deadlineMs = this.#world.nowMs + LIMIT_MS
    for (;;) {
      const reply = await ask()
      if (reply !== undefined && !isRetriable(reply.errorCode)) return reply
      if (this.#world.nowMs >= deadlineMs) {
        return reply ?? { errorCode: ErrorCode.REQUEST_TIMED_OUT, errorMessage: 'no broker has answered' }
      }
      await this.#world.sleep(RETRY_MS)
    }
  }

  /** One round over the running brokers, until one answers; undefined when none does. */
  async #ask<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: MessageInput<Q>,
  ): Promise<Message<S> | undefined> {
    for (const { name: host, port, state } of this.#cluster.brokers) {
      if (state !== 'running') continue
      const client = new NetworkClient(this.#process, {
        host,
        port,
        clientId: 'admin',
        connectionSetupTimeoutMs: SETUP_TIMEOUT_MS,
        requestTimeoutMs: REQUEST_TIMEOUT_MS * 2,
      })
      try {
        await client.connect()
        return await client.send(api, version, body)
      } catch (error) {
        if (!isOfTheNetwork(error)) throw error
      } finally {
        client.close()
      }
    }
    return undefined
  }
}

/** Whether an error tells of the path or the peer, and not of the one who asked. */
export function isOfTheNetwork(error: unknown): error is Error {
  return error instanceof NetworkError || error instanceof DisconnectedError || error instanceof RequestTimeoutError
}
