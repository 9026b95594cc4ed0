import { expect } from 'vitest'
import type { SimulatedHost } from '../../harness/world/host.ts'
import type { SimulatedProcess } from '../../harness/world/process.ts'
import { World, type WorldOptions } from '../../harness/world/world.ts'
import { Metrics } from '../../src/network/metrics.ts'
import type { Request } from '../../src/network/request.ts'
import { SocketServer } from '../../src/network/socket-server.ts'
import { socketServerConfig } from '../../src/network/socket-server-config.ts'
import { KafkaRaftClient, type KafkaRaftClientOptions } from '../../src/raft/kafka-raft-client.ts'
import { KafkaRequestHandlerPool } from '../../src/server/kafka-request-handler-pool.ts'
import { Recorder, stringSerde } from './recorder.ts'

const PORT = 9093

export interface QuorumOptions {
  readonly voters?: number
  readonly observers?: number
  readonly seed?: string
  readonly world?: Partial<WorldOptions>
  readonly raft?: Partial<KafkaRaftClientOptions<string>>
}

/** A node of the quorum over all its lives. */
export class QuorumNode {
  readonly id: number
  readonly host: SimulatedHost
  /** Undefined while it is down. */
  process: SimulatedProcess | undefined
  recorder = new Recorder()
  readonly faults: unknown[] = []
  /** Requests that it was sent, by name. */
  readonly requests = new Map<string, number>()
  /** For whom it has voted, by epoch. */
  readonly votes = new Map<number, number>()
  readonly truncations: number[] = []
  #client: KafkaRaftClient<string> | undefined

  constructor(id: number, host: SimulatedHost) {
    this.id = id
    this.host = host
  }

  get client(): KafkaRaftClient<string> {
    if (this.#client === undefined) throw new Error(`node ${this.id} is down`)
    return this.#client
  }

  set client(client: KafkaRaftClient<string> | undefined) {
    this.#client = client
  }

  get isUp(): boolean {
    return this.#client !== undefined
  }

  get leads(): boolean {
    return this.#client?.leaderAndEpoch.leaderId === this.id
  }
}

/** Nodes of a metadata quorum, each on its machine in a simulated world, with a socket server in front. */
export class Quorum {
  readonly world: World
  readonly nodes: QuorumNode[] = []
  /** Who was elected in each epoch. */
  readonly leaders = new Map<number, number>()
  /** What nodes promise their observers, when it was broken. */
  readonly violations: string[] = []
  readonly #options: QuorumOptions
  readonly #voterIds: number[]

  constructor(options: QuorumOptions) {
    this.#options = options
    this.world = new World({ seed: options.seed ?? 'quorum', ...options.world })
    const voters = options.voters ?? 3
    this.#voterIds = Array.from({ length: voters }, (_, index) => index + 1)
    for (let id = 1; id <= voters + (options.observers ?? 0); id++) {
      this.nodes.push(new QuorumNode(id, this.world.host(`node-${id}`)))
    }
  }

  node(id: number): QuorumNode {
    const node = this.nodes[id - 1]
    if (node === undefined) throw new RangeError(`no node ${id}`)
    return node
  }

  /** The one up node that leads in the highest epoch. */
  get leader(): QuorumNode | undefined {
    return this.nodes
      .filter(node => node.leads)
      .sort((a, b) => b.client.leaderAndEpoch.epoch - a.client.leaderAndEpoch.epoch)[0]
  }

  async start(...ids: number[]): Promise<void> {
    for (const id of ids.length > 0 ? ids : this.nodes.map(node => node.id)) await this.#startNode(this.node(id))
  }

  kill(id: number): void {
    const node = this.node(id)
    node.host.kill()
    node.process = undefined
    node.client = undefined
  }

  powerLoss(id: number): void {
    const node = this.node(id)
    node.host.powerLoss()
    node.process = undefined
    node.client = undefined
  }

  /** Cuts a node off from all others, both ways. */
  isolate(id: number): void {
    for (const other of this.nodes) {
      if (other.id === id) continue
      this.world.network.block(`node-${id}`, `node-${other.id}`)
      this.world.network.block(`node-${other.id}`, `node-${id}`)
    }
  }

  rejoin(id: number): void {
    for (const other of this.nodes) {
      if (other.id === id) continue
      this.world.network.unblock(`node-${id}`, `node-${other.id}`)
      this.world.network.unblock(`node-${other.id}`, `node-${id}`)
    }
  }

  /** Appends to a node's log as its leader; the offset of the last record. */
  append(node: QuorumNode, ...records: string[]): number {
    if (node.process === undefined) throw new Error(`node ${node.id} is down`)
    return node.process.run(() => {
      const offset = node.client.prepareAppend(node.client.leaderAndEpoch.epoch, records)
      node.client.schedulePreparedAppend()
      return offset
    })
  }

  async until(what: string, condition: () => boolean, limitMs = 30_000): Promise<void> {
    const deadlineMs = this.world.nowMs + limitMs
    while (!condition()) {
      if (this.world.nowMs >= deadlineMs) throw new Error(`after ${limitMs} ms: not ${what}; ${this.describe()}`)
      await this.world.sleep(1)
    }
  }

  /** Waits for a leader that a majority follows. */
  async untilLed(...ids: number[]): Promise<QuorumNode> {
    const among = ids.length > 0 ? ids : this.nodes.filter(node => node.isUp).map(node => node.id)
    const agreed = (): QuorumNode | undefined => {
      const leader = this.nodes.find(node => among.includes(node.id) && node.leads)
      const follow = among.every(id => {
        const { leaderAndEpoch } = this.node(id).client
        return leaderAndEpoch.leaderId === leader?.id && leaderAndEpoch.epoch === leader?.client.leaderAndEpoch.epoch
      })
      return follow ? leader : undefined
    }
    await this.until('led', () => agreed() !== undefined)
    const leader = agreed()
    if (leader === undefined) throw new Error('no leader')
    return leader
  }

  /** Appends through whoever leads and waits until that is committed on all up nodes. */
  async commit(...records: string[]): Promise<void> {
    const leader = await this.untilLed()
    const offset = this.append(leader, ...records)
    await this.untilCommitted(offset)
  }

  async untilCommitted(offset: number): Promise<void> {
    await this.until(`committed up to ${offset}`, () => {
      return this.nodes.every(({ isUp, recorder }) => !isUp || recorder.nextOffset > offset)
    })
  }

  /** What must hold at any time: no faults, no broken promises, and nodes that agree as far as they are. */
  check(): void {
    expect(this.violations).toEqual([])
    expect(this.nodes.flatMap(({ faults }) => faults)).toEqual([])
    const longest = this.nodes.map(({ recorder }) => recorder.records).sort((a, b) => b.length - a.length)[0] ?? []
    for (const { recorder } of this.nodes) expect(recorder.records).toEqual(longest.slice(0, recorder.records.length))
  }

  describe(): string {
    return this.nodes
      .map(({ id, isUp, client, recorder }) => {
        if (!isUp) return `${id} down`
        const { leaderId, epoch } = client.leaderAndEpoch
        return `${id}: leader ${leaderId ?? '?'} epoch ${epoch}, end ${client.logEndOffset}, high watermark ${client.highWatermark}, told ${recorder.nextOffset}`
      })
      .join('; ')
  }

  async #startNode(node: QuorumNode): Promise<void> {
    const process = node.host.process()
    node.process = process
    const client = new KafkaRaftClient<string>(process, {
      nodeId: node.id,
      clusterId: 'a-cluster',
      voters: this.#voterIds.map(id => ({ id, host: `node-${id}`, port: PORT })),
      logDirectory: '',
      serde: stringSerde,
      onFault: error => node.faults.push(error),
      observer: this.#observer(node),
      electionTimeoutMs: 1000,
      fetchTimeoutMs: 2000,
      electionBackoffMaxMs: 1000,
      requestTimeoutMs: 2000,
      retryBackoffMs: 20,
      appendLingerMs: 25,
      ...this.#options.raft,
    })
    node.recorder = new Recorder()
    client.register(node.recorder)
    await process.run(async () => {
      await client.start()
      await this.#serve(node, process, client)
    })
    node.client = client
  }

  async #serve(node: QuorumNode, process: SimulatedProcess, client: KafkaRaftClient<string>): Promise<void> {
    const metrics = new Metrics(process)
    const listeners = [{ name: 'CONTROLLER', host: `node-${node.id}`, port: PORT }]
    const config = socketServerConfig({ nodeId: node.id, listeners, numNetworkThreads: 1 })
    const server = new SocketServer(process, config, { metrics, observer: undefined })
    const handle = async (request: Request): Promise<void> => {
      const { requestChannel } = server
      node.requests.set(request.api.name, (node.requests.get(request.api.name) ?? 0) + 1)
      // In the background: a fetch waits long.
      client.handleRequest(request.api, request.header.apiVersion, request.body as never).then(
        body => requestChannel.sendResponse(request, request.api, body),
        error => node.faults.push(error),
      )
    }
    const pool = new KafkaRequestHandlerPool(process, {
      requestChannel: server.requestChannel,
      apis: { handle },
      numThreads: 1,
      metrics,
    })
    await server.bind()
    pool.start()
    await server.enableRequestProcessing()
  }

  #observer(node: QuorumNode): NonNullable<KafkaRaftClientOptions<string>['observer']> {
    const { votes } = node
    return {
      onBecameLeader: epoch => {
        const other = this.leaders.get(epoch)
        if (other !== undefined && other !== node.id) this.violations.push(`${other} and ${node.id} lead in ${epoch}`)
        this.leaders.set(epoch, node.id)
      },
      onVoteGranted: (epoch, candidateId) => {
        const other = votes.get(epoch)
        if (other !== undefined && other !== candidateId) {
          this.violations.push(`${node.id} voted for ${other} and ${candidateId} in ${epoch}`)
        }
        votes.set(epoch, candidateId)
      },
      onTruncated: (toOffset, highWatermark) => {
        node.truncations.push(toOffset)
        if (toOffset < (highWatermark ?? 0))
          this.violations.push(`${node.id} cut at ${toOffset} below ${highWatermark}`)
      },
    }
  }
}

/** Runs a body with a fresh quorum, of which no node was started, and checks at its end what must hold at any time. */
export function withQuorum(body: (quorum: Quorum) => Promise<void>, options: QuorumOptions = {}): Promise<void> {
  const quorum = new Quorum(options)
  return quorum.world.run(async () => {
    await body(quorum)
    quorum.check()
  })
}
