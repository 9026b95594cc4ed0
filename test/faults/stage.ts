import type { FaultContext } from '../../harness/faults/fault-kind.ts'
import type { ClientNode } from '../../harness/trial/client-node.ts'
import { Cluster } from '../../harness/trial/cluster.ts'
import { ClusterAdmin } from '../../harness/trial/cluster-admin.ts'
import type { ClusterNode } from '../../harness/trial/cluster-node.ts'
import { FaultPlan } from '../../harness/trial/fault-plan.ts'
import { Probes } from '../../harness/trial/probes.ts'
import { QueueWatch } from '../../harness/trial/queue-watch.ts'
import type { ResponseGate } from '../../harness/trial/response-gate.ts'
import type { ClusterSpec, Fault } from '../../harness/trial/scenario.ts'
import type { SimulatedHost } from '../../harness/world/host.ts'
import type { SimulatedProcess } from '../../harness/world/process.ts'
import type { NetworkConnection } from '../../harness/world/tcp/network.ts'
import { World } from '../../harness/world/world.ts'
import { NetworkClient } from '../../src/network/network-client.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { buildBatch } from '../../src/protocol/records/batch.ts'
import { WireClient } from '../support/wire-client.ts'
import { STEADY_NETWORK } from '../world/support.ts'

export const TOPIC = 'records'

export interface StageOptions {
  readonly seed?: string
  /** Of the broker, by Kafka's keys. */
  readonly config?: Readonly<Record<string, string>>
  /** The cluster's shape; default one node that is broker and controller, and a topic of one partition. */
  readonly cluster?: Partial<Omit<ClusterSpec, 'config' | 'topic'>>
  readonly topic?: Partial<Omit<ClusterSpec['topic'], 'name'>>
}

/**
 * A world with a running cluster and a topic, two application machines without applications, and a plan for faults. One way takes 1 ms, so that effects can be told from noise.
 */
export class Stage {
  readonly world: World
  readonly cluster: Cluster
  readonly admin: ClusterAdmin
  /** The first broker. */
  readonly broker: ClusterNode
  readonly probes = new Probes()
  /** Of the first broker. */
  readonly gate: ResponseGate
  readonly queues: QueueWatch
  readonly clients: readonly StageClient[]
  readonly context: FaultContext
  readonly plan: FaultPlan
  /** What the faults said. */
  readonly story: string[] = []
  readonly crashes: string[] = []
  #lastConnectionId = 0

  constructor(world: World, { config = {}, cluster = {}, topic = {} }: StageOptions) {
    this.world = world
    const { probes } = this
    this.cluster = new Cluster({
      world,
      spec: {
        brokers: 1,
        controllers: 1,
        roles: 'combined',
        ...cluster,
        config,
        topic: { name: TOPIC, partitions: 1, replicationFactor: 1, config: {}, ...topic },
      },
      probes,
      tell: () => undefined,
      onCrash: (_, { thread, error }) => this.crashes.push(`${thread}: ${error}`),
    })
    this.broker = this.node(1)
    this.gate = this.broker.gate
    this.queues = new QueueWatch(this.broker, this.probes)
    this.gate.onStage = () => this.queues.look()
    this.clients = [0, 1].map(index => new StageClient(`producer-${index}`, world.host(`app-${index}`)))
    this.admin = new ClusterAdmin(world, this.cluster)
    const { clients, admin } = this
    this.context = { world, cluster: this.cluster, clients, members: [], admin, tell: text => this.story.push(text) }
    this.plan = new FaultPlan(this.context, this.probes)
  }

  async prepare(): Promise<void> {
    this.cluster.start()
    await this.cluster.running()
    await this.admin.createTopic()
    await this.whole()
    this.cluster.noteAssignment()
    await this.world.sleep(100)
  }

  /** By its id. */
  node(id: number): ClusterNode {
    const node = this.cluster.nodes.find(candidate => candidate.id === id)
    if (node === undefined) throw new Error(`there is no node ${id}`)
    return node
  }

  /** Waits until the cluster is whole. */
  async whole(): Promise<void> {
    const { missing } = await this.cluster.whole(120_000, () => this.admin.owed)
    if (missing.length > 0) throw new Error(missing.join('; '))
  }

  /** A connection of an application's machine to a broker, by default the first. */
  connect(client = 0, broker = this.broker): Promise<NetworkClient> {
    return this.#connectFrom(this.#client(client).process, broker)
  }

  /** A connection that shows what comes and goes on the wire. */
  async wire(client = 0): Promise<WireClient> {
    const { process } = this.#client(client)
    const connection = await process.network.connect({ host: this.broker.name, port: this.broker.port })
    return new WireClient(process, connection)
  }

  /** The latest connection of an application's machine, as faults see it. */
  get lastConnection(): NetworkConnection {
    const hosts = this.clients.map(({ host }) => host)
    const connection = this.world.network.connections().findLast(({ client }) => hosts.includes(client.kernel.host))
    if (connection === undefined) throw new Error('nobody is connected')
    return connection
  }

  /** Number of the connection that was made last, though it may be gone. */
  get lastConnectionId(): number {
    return this.#lastConnectionId
  }

  /** Ends of the first broker's connections with other machines; it has some with itself, as its own controller. */
  get socketsWithOthers(): number {
    const { name, host } = this.broker
    return [...host.kernel.endpoints].filter(({ local, remote }) => local.host !== name || remote.host !== name).length
  }

  /** Carries faults out from now on. */
  arm(...faults: readonly Fault[]): void {
    this.plan.arm(faults)
  }

  /** Starts a fault at once. */
  async begin(fault: Omit<Fault, 'at'>): Promise<void> {
    this.arm({ ...fault, at: { ms: 0 } })
    await this.world.sleep(0.001)
  }

  /** How long a request takes, virtual ms. */
  ask(client: NetworkClient): Promise<number> {
    return this.timed(() => client.send(Metadata, 9, { topics: [] }))
  }

  /** Appends one record; how long that takes, virtual ms. */
  produce(client: NetworkClient, valueBytes = 10): Promise<number> {
    const value = Buffer.alloc(valueBytes)
    const records = buildBatch({ records: [{ value, timestamp: this.broker.host.clock.wallMs() }] })
    const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }]
    return this.timed(() => client.send(Produce, 9, { acks: -1, timeoutMs: 30_000, topicData }))
  }

  async timed(work: () => Promise<unknown>): Promise<number> {
    const startMs = this.world.nowMs
    await work()
    return this.world.nowMs - startMs
  }

  /** Waits until the broker runs; how long that takes, virtual ms. */
  running(): Promise<number> {
    return this.timed(() => this.broker.running())
  }

  /** How often a kind of fault was counted. */
  injected(kind: Fault['kind']): number {
    return this.plan.injected.get(kind) ?? 0
  }

  async #connectFrom(process: SimulatedProcess, broker: ClusterNode): Promise<NetworkClient> {
    const { name: host, port } = broker
    const client = new NetworkClient(process, { host, port, clientId: process.host.name })
    await client.connect()
    this.#lastConnectionId = this.lastConnection.id
    return client
  }

  #client(index: number): StageClient {
    const client = this.clients[index]
    if (client === undefined) throw new Error(`there is no client ${index}`)
    return client
  }
}

/** A machine with a process in which no application runs. */
class StageClient implements ClientNode {
  readonly name: string
  readonly host: SimulatedHost
  process: SimulatedProcess

  constructor(name: string, host: SimulatedHost) {
    this.name = name
    this.host = host
    this.process = host.process()
  }

  takeDown(): (() => boolean) | undefined {
    if (!this.process.alive) return undefined
    this.process.kill()
    return () => {
      this.process = this.host.process()
      return true
    }
  }
}

/** Runs a body in a world in which the broker runs. */
export function onStage<T>(body: (stage: Stage) => Promise<T>, options: StageOptions = {}): Promise<T> {
  const world = new World({ seed: options.seed ?? 'stage', network: STEADY_NETWORK })
  return world.run(async () => {
    const stage = new Stage(world, options)
    await stage.prepare()
    return await body(stage)
  })
}
