import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { ServeFaults } from './serve-faults.ts'
import { type NodeFailure, ServeNode } from './serve-node.ts'

/** More controllers do not make a quorum on one machine any safer. */
const MAX_VOTERS = 3
const LOG_DIRECTORY = 'kafka-logs'

export interface ServeClusterOptions {
  readonly brokers: number
  readonly host: string
  /** Port of the first broker, the others follow; 0: any free ones. */
  readonly basePort: number
  /** Holds a directory for each node. */
  readonly directory: string
  /** Of the user, for all nodes. Ids, roles, listeners, voters and directories are not theirs to say. */
  readonly properties: ReadonlyMap<string, string>
  /** A node has ended although nobody asked for it. */
  readonly onFailure: (failure: NodeFailure) => void
}

/** A cluster on the real machine: a process a node, brokers 1, 2, …, of which the first three are controllers too. */
export class ServeCluster {
  readonly nodes: ReadonlyMap<number, ServeNode>
  readonly faults: ServeFaults
  readonly clusterId: string

  private constructor(nodes: ReadonlyMap<number, ServeNode>, clusterId: string) {
    this.nodes = nodes
    this.clusterId = clusterId
    this.faults = new ServeFaults(nodes)
  }

  /** Finds ports and the id of the cluster that the directory belongs to; starts nothing yet. */
  static async create(options: ServeClusterOptions): Promise<ServeCluster> {
    const { brokers, host, basePort, directory } = options
    const ids = Array.from({ length: brokers }, (_, index) => index + 1)
    const voters = brokers < MAX_VOTERS ? 1 : MAX_VOTERS
    const free = await freePorts(voters + (basePort === 0 ? brokers : 0))
    const controllerPorts = new Map(ids.slice(0, voters).map((id, index) => [id, free[index] ?? 0]))
    const clusterId = clusterIdOf(directory, ids) ?? randomBytes(16).toString('base64url')
    const nodes = ids.map((id, index) => {
      const port = basePort === 0 ? (free[voters + index] ?? 0) : basePort + index
      const dataDirectory = nodeDirectory(directory, id)
      const controllerPort = controllerPorts.get(id)
      const properties = propertiesOf(options, { id, host, port, controllerPorts })
      return new ServeNode({
        id,
        host,
        port,
        controllerPort,
        properties,
        dataDirectory,
        clusterId,
        onFailure: options.onFailure,
      })
    })
    return new ServeCluster(new Map(nodes.map(node => [node.id, node])), clusterId)
  }

  /** What clients begin with: `host:port,…`. */
  get bootstrap(): string {
    return [...this.nodes.values()].map(({ options: { host, port } }) => `${host}:${port}`).join(',')
  }

  /** Resolves when all nodes serve. Rejects with NodeFailure; `stop` cleans up then. */
  async start(): Promise<void> {
    await Promise.all([...this.nodes.values()].map(node => node.start()))
  }

  /** Stops cleanly: all brokers first, as long as there is a controller to hand over to, then the controllers. */
  async stop(): Promise<void> {
    this.faults.close()
    const nodes = [...this.nodes.values()]
    await Promise.allSettled(nodes.map(node => node.stopBroker()))
    await Promise.all(nodes.map(node => node.stop()))
  }

  /** Ends all processes at once. */
  async kill(): Promise<void> {
    this.faults.close()
    await Promise.all([...this.nodes.values()].map(node => node.kill()))
  }
}

interface NodeAddress {
  readonly id: number
  readonly host: string
  readonly port: number
  /** By node id. */
  readonly controllerPorts: ReadonlyMap<number, number>
}

/** Quicker than Kafka's defaults, so that a cluster on one machine starts and stops at once. */
const QUICK_PROPERTIES = [
  ['controller.quorum.election.timeout.ms', '300'],
  ['broker.heartbeat.interval.ms', '500'],
  ['group.initial.rebalance.delay.ms', '0'],
] as const

/**
 * What a node is told: what one machine allows and several brokers want, under what the user says; above that, its place in
 * the cluster.
 */
function propertiesOf(
  { brokers, properties }: ServeClusterOptions,
  { id, host, port, controllerPorts }: NodeAddress,
): ReadonlyMap<string, string> {
  const replicas = `${Math.min(brokers, MAX_VOTERS)}`
  const minInSync = brokers < MAX_VOTERS ? '1' : '2'
  const controllerPort = controllerPorts.get(id)
  const controller = controllerPort === undefined ? '' : `,CONTROLLER://127.0.0.1:${controllerPort}`
  return new Map([
    ...QUICK_PROPERTIES,
    ['default.replication.factor', replicas],
    ['min.insync.replicas', minInSync],
    ['offsets.topic.replication.factor', replicas],
    ['transaction.state.log.replication.factor', replicas],
    ['transaction.state.log.min.isr', minInSync],
    ...properties,
    ['process.roles', controllerPort === undefined ? 'broker' : 'broker,controller'],
    ['node.id', `${id}`],
    ['listeners', `PLAINTEXT://${host}:${port}${controller}`],
    ['advertised.listeners', `PLAINTEXT://${host}:${port}`],
    ['inter.broker.listener.name', 'PLAINTEXT'],
    ['controller.listener.names', 'CONTROLLER'],
    ['controller.quorum.voters', [...controllerPorts].map(([voter, at]) => `${voter}@127.0.0.1:${at}`).join(',')],
    ['listener.security.protocol.map', 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT'],
    ['log.dirs', LOG_DIRECTORY],
    ['metadata.log.dir', LOG_DIRECTORY],
  ])
}

function nodeDirectory(directory: string, id: number): string {
  return join(directory, `broker-${id}`)
}

/** The id that a node of an earlier run has written; undefined when there was none. */
function clusterIdOf(directory: string, ids: readonly number[]): string | undefined {
  for (const id of ids) {
    try {
      const text = readFileSync(join(nodeDirectory(directory, id), LOG_DIRECTORY, 'meta.properties'), 'utf8')
      const found = /^cluster\.id=(.+)$/m.exec(text)?.[1]
      if (found !== undefined) return found
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return undefined
}

/** Ports of loopback that nobody listens on now, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports: number[] = []
  for (const server of servers) {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    ports.push((server.address() as AddressInfo).port)
  }
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}
