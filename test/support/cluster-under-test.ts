import type { SimulatedHost } from '../../harness/world/host.ts'
import type { SimulatedProcess } from '../../harness/world/process.ts'
import { World } from '../../harness/world/world.ts'
import { NetworkClient } from '../../src/network/network-client.ts'
import { CreateTopics } from '../../src/protocol/apis/create-topics.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { KafkaConfig } from '../../src/server/config/kafka-config.ts'
import { KafkaRaftServer, type KafkaRaftServerOptions } from '../../src/server/kafka-raft-server.ts'

const CLIENT_PORT = 9092
const CONTROLLER_PORT = 9093
const CLUSTER_ID = 'Y2x1c3Rlci11bmRlci10ZX'

export interface ClusterOptions {
  readonly seed?: string
  readonly brokers?: number
  /** Apart from the brokers; 0: the brokers are controllers too. */
  readonly controllers?: number
  readonly config?: Readonly<Record<string, string>>
  readonly server?: (nodeId: number) => KafkaRaftServerOptions
}

interface Node {
  readonly id: number
  readonly host: SimulatedHost
  readonly config: KafkaConfig
  process: SimulatedProcess | undefined
  server: KafkaRaftServer | undefined
  halt: string | undefined
}

/** Several nodes in a world: brokers 1, 2, …, controllers apart from them 101, 102, … */
export class ClusterUnderTest {
  readonly world: World
  readonly clusterId = CLUSTER_ID
  readonly client: SimulatedProcess
  readonly #nodes = new Map<number, Node>()
  readonly #options: ClusterOptions

  constructor(options: ClusterOptions = {}) {
    this.#options = options
    const { brokers = 3, controllers = 0 } = options
    this.world = new World({ seed: options.seed ?? 'cluster', maxVirtualMs: 3_600_000 })
    this.client = this.world.host('client').process()
    const brokerIds = Array.from({ length: brokers }, (_, index) => index + 1)
    const controllerIds = controllers === 0 ? brokerIds : Array.from({ length: controllers }, (_, index) => 101 + index)
    const voters = controllerIds.map(id => `${id}@${hostName(id)}:${CONTROLLER_PORT}`).join(',')
    for (const id of new Set([...controllerIds, ...brokerIds])) {
      const roles = [
        ...(brokerIds.includes(id) ? ['broker'] : []),
        ...(controllerIds.includes(id) ? ['controller'] : []),
      ]
      this.#addNode(id, roles, voters)
    }
  }

  /** Runs a body in a cluster, all of whose nodes have been started. */
  static run(options: ClusterOptions, body: (cluster: ClusterUnderTest) => Promise<void>): Promise<void> {
    const cluster = new ClusterUnderTest(options)
    return cluster.world.run(async () => {
      await Promise.all(cluster.ids.map(id => cluster.start(id)))
      await body(cluster)
    })
  }

  get ids(): readonly number[] {
    return [...this.#nodes.keys()]
  }

  server(id: number): KafkaRaftServer {
    const { server } = this.#node(id)
    if (server === undefined) throw new Error(`node ${id} is down`)
    return server
  }

  /** The process of a node that is up. */
  process(id: number): SimulatedProcess {
    const { process } = this.#node(id)
    if (process === undefined) throw new Error(`node ${id} is down`)
    return process
  }

  /** Servers of the nodes that are up. */
  get servers(): readonly KafkaRaftServer[] {
    return [...this.#nodes.values()].flatMap(({ server }) => server ?? [])
  }

  /** Ids of the nodes whose controller is active. */
  get activeControllers(): readonly number[] {
    return this.servers.filter(({ controller }) => controller?.isActive === true).map(({ config }) => config.nodeId)
  }

  haltOf(id: number): string | undefined {
    return this.#node(id).halt
  }

  /** Starts a node; resolves when it serves. */
  async start(id: number): Promise<void> {
    const node = this.#node(id)
    const process = node.host.process()
    const server = new KafkaRaftServer(process, node.config, {
      clusterId: CLUSTER_ID,
      onHalt: reason => {
        node.halt = reason
      },
      ...this.#options.server?.(id),
    })
    node.process = process
    node.server = server
    await process.run(() => server.startup())
  }

  kill(id: number): void {
    const node = this.#node(id)
    node.host.kill()
    node.process = undefined
    node.server = undefined
  }

  /** Gives a node that is down an empty disk in place of the one that holds a directory. */
  replaceDisk(id: number, directory: string): void {
    this.#node(id).host.disk.wipe(directory)
  }

  /** Stops the broker of a node; its controller goes on. */
  async stopBroker(id: number): Promise<void> {
    await this.#node(id).process?.run(() => this.server(id).shutdownBroker())
  }

  async stop(id: number): Promise<void> {
    const node = this.#node(id)
    await node.process?.run(() => this.server(id).shutdown())
    node.host.kill()
    node.process = undefined
    node.server = undefined
  }

  /** Cuts both directions between nodes. */
  cut(from: number, to: number): void {
    for (const [a, b] of [
      [from, to],
      [to, from],
    ] as const) {
      this.world.network.block(hostName(a), hostName(b))
    }
  }

  heal(from: number, to: number): void {
    for (const [a, b] of [
      [from, to],
      [to, from],
    ] as const) {
      this.world.network.unblock(hostName(a), hostName(b))
    }
  }

  /** Waits until something holds; rejects when it does not within `timeoutMs` of virtual time. */
  async until(what: string, holds: () => boolean, timeoutMs = 60_000): Promise<void> {
    const deadlineMs = this.world.nowMs + timeoutMs
    while (!holds()) {
      if (this.world.nowMs > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`)
      await this.world.sleep(10)
    }
  }

  /** A client connected to a broker's first listener, or to a controller's. */
  async connect(id: number, port = CLIENT_PORT): Promise<NetworkClient> {
    return this.client.run(async () => {
      const client = new NetworkClient(this.client, { host: hostName(id), port, clientId: 'test' })
      await client.connect()
      return client
    })
  }

  connectToController(id: number): Promise<NetworkClient> {
    return this.connect(id, CONTROLLER_PORT)
  }

  async createTopic(
    client: NetworkClient,
    name: string,
    numPartitions: number,
    replicationFactor: number,
  ): Promise<void> {
    const topics = [{ name, numPartitions, replicationFactor }]
    const { topics: created } = await this.client.run(() => client.send(CreateTopics, 7, { topics }))
    if (created[0]?.errorCode !== 0) throw new Error(`cannot create ${name}: ${JSON.stringify(created)}`)
  }

  async metadata(client: NetworkClient, name: string) {
    return this.client.run(() => client.send(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false }))
  }

  #addNode(id: number, roles: readonly string[], voters: string): void {
    const name = hostName(id)
    const listeners = [
      ...(roles.includes('broker') ? [`PLAINTEXT://${name}:${CLIENT_PORT}`] : []),
      ...(roles.includes('controller') ? [`CONTROLLER://${name}:${CONTROLLER_PORT}`] : []),
    ]
    const properties = {
      'process.roles': roles.join(','),
      'node.id': `${id}`,
      listeners: listeners.join(','),
      'controller.listener.names': 'CONTROLLER',
      'controller.quorum.voters': voters,
      'log.dirs': 'data',
      ...this.#options.config,
    }
    const config = KafkaConfig.fromProperties(new Map(Object.entries(properties)))
    this.#nodes.set(id, {
      id,
      host: this.world.host(name),
      config,
      process: undefined,
      server: undefined,
      halt: undefined,
    })
  }

  #node(id: number): Node {
    const node = this.#nodes.get(id)
    if (node === undefined) throw new Error(`there is no node ${id}`)
    return node
  }
}

function hostName(id: number): string {
  return id > 100 ? `controller-${id}` : `broker-${id}`
}
