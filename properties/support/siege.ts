import { type Attack, HostilePeer } from '../../harness/faults/hostile-peer.ts'
import { Cluster } from '../../harness/trial/cluster.ts'
import type { ClusterNode } from '../../harness/trial/cluster-node.ts'
import { readLogs } from '../../harness/trial/log-reader.ts'
import { Probes } from '../../harness/trial/probes.ts'
import type { SimulatedProcess } from '../../harness/world/process.ts'
import { World } from '../../harness/world/world.ts'
import { readLogDirectory } from '../../src/log/inspect.ts'
import { NetworkClient } from '../../src/network/network-client.ts'
import { CreateTopics } from '../../src/protocol/apis/create-topics.ts'
import { GOLDEN_TOPIC } from '../../test/support/hostile-frames.ts'

/** The topic that the well-behaved client writes to, and that attacks aim at as well. */
export const TOPIC = 'orders'
/** Short, so that what is left open ends soon. */
export const MAX_IDLE_MS = 20_000

/** Small, so that whoever does not read soon holds the broker up. */
const SEND_BUFFER_BYTES = 4_096
const SEND_EVERY_MS = 100
/** What peers have sent by the end of their attacks may keep a broker busy for so long: 200 Fetches of half a second. */
const MAX_ACTIVE_MS = 110_000
const METRICS = {
  requestQueueSize: 'kafka.network:type=RequestChannel,name=RequestQueueSize',
  responseQueueSize: 'kafka.network:type=RequestChannel,name=ResponseQueueSize',
  memoryPoolUsed: 'kafka.network:type=SocketServer,name=MemoryPoolUsed',
} as const

/** Makes the well-behaved client of a siege, in its process. Sends are awaited one after the other. */
export type MakeAppender = (process: SimulatedProcess, bootstrap: string) => Appender

export interface Appender {
  connect(): Promise<void>
  /** Sends one record with acks=all; rejects when it is not acknowledged. */
  append(id: string): Promise<void>
  close(): Promise<void>
}

export interface SiegeOptions {
  readonly seed: string
  readonly attacks: readonly Attack[]
  readonly makeAppender: MakeAppender
  /** `server.properties` */
  readonly config?: Readonly<Record<string, string>>
  /** Records the well-behaved client sends before it goes on until the attacks are over. */
  readonly records?: number
}

/** What a siege came to. */
export interface SiegeReport {
  /** Records that were sent, in order. All were acknowledged: a send that fails rejects the siege. */
  readonly sent: readonly string[]
  /** Keys of the topic's records, in the order of their offsets. */
  readonly logged: readonly string[]
  /** How long the slowest send took, virtual milliseconds. */
  readonly slowestMs: number
  /** Connections the broker still had once all could have been idle for too long. */
  readonly connectionsLeft: number
  readonly socketsLeft: number
  readonly requestQueueSize: number
  readonly responseQueueSize: number
  readonly memoryPoolUsed: number
  /** What is not as Kafka writes it in the directories of all topics. */
  readonly disk: readonly string[]
}

/**
 * A broker under attack, while one well-behaved client appends. Rejects when a send of that client fails, and when the
 * broker crashes or halts.
 */
export async function besiege(options: SiegeOptions): Promise<SiegeReport> {
  const world = new World({ seed: options.seed })
  return await world.run(() => new Siege(world, options).run())
}

class Siege {
  readonly #world: World
  readonly #options: SiegeOptions
  readonly #broker: ClusterNode
  /** Rejects when the broker ends other than at the end of the siege. */
  readonly #brokerEnds = Promise.withResolvers<never>()

  constructor(world: World, options: SiegeOptions) {
    this.#world = world
    this.#options = options
    const cluster = new Cluster({
      world,
      spec: {
        brokers: 1,
        controllers: 1,
        roles: 'combined',
        config: {
          'connections.max.idle.ms': `${MAX_IDLE_MS}`,
          'socket.send.buffer.bytes': `${SEND_BUFFER_BYTES}`,
          ...options.config,
        },
        topic: { name: TOPIC, partitions: 1, replicationFactor: 1, config: {} },
      },
      probes: new Probes(),
      tell: (_, text) => {
        if (/^(crashes|halts)/.test(text)) this.#brokerEnds.reject(new Error(`the broker ${text}`))
      },
    })
    this.#broker = cluster.brokers[0] as ClusterNode
  }

  run(): Promise<SiegeReport> {
    return Promise.race([this.#run(), this.#brokerEnds.promise])
  }

  async #run(): Promise<SiegeReport> {
    this.#broker.start()
    await this.#broker.running()
    await this.#createTopics()
    const process = this.#world.host('app').process()
    const appender = process.run(() => this.#options.makeAppender(process, this.#broker.bootstrap))
    await process.run(() => appender.connect())
    const siege = this.#attack()
    const { sent, slowestMs } = await process.run(() => this.#append(appender, siege))
    await process.run(() => appender.close())
    await this.#calm()
    const left = this.#leftovers()
    const logged = await this.#readLog()
    return { sent, slowestMs, ...left, logged, disk: await this.#shutDownAndInspect() }
  }

  async #createTopics(): Promise<void> {
    const { name: host, port } = this.#broker
    const client = new NetworkClient(this.#world.host('admin').process(), { host, port, clientId: 'admin' })
    await client.connect()
    const topics = [
      { name: TOPIC, numPartitions: 1, replicationFactor: 1 },
      { name: GOLDEN_TOPIC, numPartitions: 3, replicationFactor: 1 },
    ]
    await client.send(CreateTopics, 7, { topics })
    client.close()
  }

  async #attack(): Promise<void> {
    const { name: host, port } = this.#broker
    const attacks = this.#options.attacks.map((attack, index) =>
      new HostilePeer(this.#world, `hostile-${index}`, { host, port }).attack(attack),
    )
    await Promise.all(attacks)
  }

  /** Appends until the attacks are over, and a few more. */
  async #append(appender: Appender, siege: Promise<void>): Promise<Pick<SiegeReport, 'sent' | 'slowestMs'>> {
    const sent: string[] = []
    let slowestMs = 0
    let over = false
    siege.then(() => {
      over = true
    })
    for (let left = this.#options.records ?? 5; left > 0; left -= over ? 1 : 0) {
      const id = `record ${sent.length}`
      const startMs = this.#world.nowMs
      await appender.append(id)
      sent.push(id)
      slowestMs = Math.max(slowestMs, this.#world.nowMs - startMs)
      await this.#world.sleep(SEND_EVERY_MS)
    }
    await siege
    return { sent, slowestMs }
  }

  /** Waits until no connection is left, or until all must long have been idle for too long. */
  async #calm(): Promise<void> {
    const { server } = this.#broker
    const endMs = this.#world.nowMs + MAX_ACTIVE_MS + MAX_IDLE_MS
    const busy = () => this.#sockets() > 0 || (server?.inspect().connectionCount ?? 0) > 0
    while (busy() && this.#world.nowMs < endMs) await this.#world.sleep(1_000)
  }

  /** Ends of connections with other machines: the broker has some with itself, as its own controller. */
  #sockets(): number {
    const { name, host } = this.#broker
    return [...host.kernel.endpoints].filter(({ local, remote }) => local.host !== name || remote.host !== name).length
  }

  #leftovers(): Omit<SiegeReport, 'sent' | 'slowestMs' | 'logged' | 'disk'> {
    const { server } = this.#broker
    if (server === undefined) throw new Error('the broker is gone')
    const metric = (name: string): number => server.metrics.value(name) ?? Number.NaN
    return {
      connectionsLeft: server.inspect().connectionCount,
      socketsLeft: this.#sockets(),
      requestQueueSize: metric(METRICS.requestQueueSize),
      responseQueueSize: metric(METRICS.responseQueueSize),
      memoryPoolUsed: metric(METRICS.memoryPoolUsed),
    }
  }

  async #readLog(): Promise<string[]> {
    const { name: host, port } = this.#broker
    const process = this.#world.host('reader').process()
    const [log] = await process.run(() =>
      readLogs({ process, bootstrap: [{ host, port }], topic: TOPIC, partitions: 1 }),
    )
    return log?.records.map(({ id }) => id) ?? []
  }

  async #shutDownAndInspect(): Promise<string[]> {
    this.#broker.shutdown()
    while (this.#broker.state !== 'down') await this.#world.sleep(10)
    const process = this.#broker.host.process('inspector')
    const findings: string[] = []
    await process.run(async () => {
      for (const name of await process.disk.list('data')) {
        // Not the broker's own files, topics on their way to deletion, and the metadata log, which has no indexes.
        if (!/^[^_].*-\d+$/.test(name)) continue
        const report = await readLogDirectory(process.disk, `data/${name}`)
        findings.push(...report.findings.map(({ file, message }) => `${name}/${file}: ${message}`))
      }
    })
    return findings
  }
}
