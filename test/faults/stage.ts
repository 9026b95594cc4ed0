import type { FaultContext } from '../../harness/faults/fault-kind.ts'
import { BrokerNode } from '../../harness/trial/broker-node.ts'
import type { ClientNode } from '../../harness/trial/client-node.ts'
import { FaultPlan } from '../../harness/trial/fault-plan.ts'
import { Probes } from '../../harness/trial/probes.ts'
import { QueueWatch } from '../../harness/trial/queue-watch.ts'
import { ResponseGate } from '../../harness/trial/response-gate.ts'
import type { Fault } from '../../harness/trial/scenario.ts'
import type { NetworkConnection } from '../../harness/world/tcp/network.ts'
import { World } from '../../harness/world/world.ts'
import { NetworkClient } from '../../src/network/network-client.ts'
import { CreateTopics } from '../../src/protocol/apis/create-topics.ts'
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
}

/**
 * A world with a running broker, a topic of one partition, two application machines without applications, and a plan for
 * faults. One way takes 1 ms, so that effects can be told from noise.
 */
export class Stage {
  readonly world: World
  readonly broker: BrokerNode
  readonly probes = new Probes()
  readonly gate = new ResponseGate(this.probes)
  readonly queues: QueueWatch
  readonly clients: readonly ClientNode[]
  readonly context: FaultContext
  readonly plan: FaultPlan
  /** What the faults said. */
  readonly story: string[] = []
  readonly crashes: string[] = []

  constructor(world: World, { config = {} }: StageOptions) {
    this.world = world
    this.broker = new BrokerNode({
      world,
      nodeId: 1,
      config,
      gate: this.gate,
      probes: this.probes,
      tell: () => undefined,
      onCrash: ({ thread, error }) => this.crashes.push(`${thread}: ${error}`),
    })
    this.queues = new QueueWatch(this.broker, this.probes)
    this.gate.onStage = () => this.queues.look()
    this.clients = [0, 1].map(index => {
      const host = world.host(`app-${index}`)
      return { name: `producer-${index}`, host, process: host.process() }
    })
    const { broker, clients, gate } = this
    this.context = { world, broker, clients, gate, tell: text => this.story.push(text) }
    this.plan = new FaultPlan(this.context, this.probes)
  }

  async prepare(): Promise<void> {
    this.broker.start()
    await this.broker.running()
    const admin = await this.#connectFrom(this.world.host('admin').process())
    const topics = [{ name: TOPIC, numPartitions: 1, replicationFactor: 1 }]
    await admin.send(CreateTopics, 7, { topics })
    admin.close()
    await this.world.sleep(100)
  }

  /** A connection of an application's machine to the broker. */
  connect(client = 0): Promise<NetworkClient> {
    return this.#connectFrom(this.#client(client).process)
  }

  /** A connection that shows what comes and goes on the wire. */
  async wire(client = 0): Promise<WireClient> {
    const { process } = this.#client(client)
    const connection = await process.network.connect({ host: this.broker.name, port: this.broker.port })
    return new WireClient(process, connection)
  }

  /** The latest connection, as faults see it. */
  get lastConnection(): NetworkConnection {
    const connection = this.world.network.connections().at(-1)
    if (connection === undefined) throw new Error('nobody is connected')
    return connection
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

  async #connectFrom(process: ClientNode['process']): Promise<NetworkClient> {
    const { name: host, port } = this.broker
    const client = new NetworkClient(process, { host, port, clientId: process.host.name })
    await client.connect()
    return client
  }

  #client(index: number): ClientNode {
    const client = this.clients[index]
    if (client === undefined) throw new Error(`there is no client ${index}`)
    return client
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
