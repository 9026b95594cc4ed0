import type { RequestObserver } from '../../src/network/request-observer.ts'
import { DiskError } from '../../src/runtime/disk.ts'
import { BrokerServer } from '../../src/server/broker-server.ts'
import { KafkaConfig } from '../../src/server/config/kafka-config.ts'
import type { SimulatedHost } from '../world/host.ts'
import type { Lane } from '../world/lane.ts'
import type { SimulatedProcess } from '../world/process.ts'
import type { NetworkConnection } from '../world/tcp/network.ts'
import type { World } from '../world/world.ts'
import type { Probes } from './probes.ts'
import type { ResponseGate } from './response-gate.ts'

export interface BrokerNodeOptions {
  readonly world: World
  readonly nodeId: number
  /** `server.properties`, on top of what a single combined node needs. */
  readonly config: Readonly<Record<string, string>>
  readonly gate: ResponseGate
  readonly probes: Probes
  readonly tell: (text: string) => void
  /** Called when the broker ends by itself although no fault explains it. */
  readonly onCrash?: (crash: BrokerCrash) => void
}

/** How a broker can be taken down. */
export type TakeDown = 'kill' | 'power-loss' | 'shutdown'

type State = 'down' | 'starting' | 'running' | 'stopping'

/** A broker ended by itself although no fault explains it. */
export interface BrokerCrash {
  readonly thread: string
  readonly error: unknown
}

const PORT = 9092

/** A broker's machine, and the broker that runs, stops, dies and starts again on it. */
export class BrokerNode {
  readonly name: string
  readonly host: SimulatedHost
  readonly port = PORT
  readonly #world: World
  readonly #options: BrokerNodeOptions
  readonly #config: KafkaConfig
  readonly #frozen = new Map<Lane, number>()
  readonly #waiting: (() => void)[] = []
  #state: State = 'down'
  #process: SimulatedProcess | undefined
  #server: BrokerServer | undefined
  #wasUnclean = false
  /** Faults that keep the broker down. */
  #holds = 0

  /** @throws ConfigError when a key of the configuration has a value Kafka refuses */
  constructor(options: BrokerNodeOptions) {
    this.#options = options
    this.#world = options.world
    this.name = `broker-${options.nodeId}`
    this.host = options.world.host(this.name)
    this.#config = KafkaConfig.fromProperties(brokerProperties(this.name, options))
  }

  get state(): State {
    return this.#state
  }

  /** The running broker, for inspection. */
  get server(): BrokerServer | undefined {
    return this.#server
  }

  /** `queued.max.requests` */
  get queuedMaxRequests(): number {
    return this.#config.getNumber('queued.max.requests')
  }

  /** `socket.listen.backlog.size` */
  get backlog(): number {
    return this.#config.getNumber('socket.listen.backlog.size')
  }

  get bootstrap(): string {
    return `${this.name}:${PORT}`
  }

  /**
   * Starts the broker unless it runs or is starting, or a fault keeps it down; one that is shutting down is waited for.
   */
  start(): void {
    if (this.#state === 'stopping') {
      this.#waiting.push(() => this.start())
      return
    }
    if (this.#state !== 'down' || this.#holds > 0) return
    this.#state = 'starting'
    const process = this.host.process(this.name)
    const server = new BrokerServer(process, this.#config, {
      observer: this.#observerOf(process),
      onHalt: reason => this.#halted(process, reason),
    })
    this.#process = process
    this.#server = server
    process.onCrash = (thread, error) => this.#crashed(process, thread, error)
    if (this.#wasUnclean) this.#options.probes.hit('broker-unclean-restart')
    process.threads.start('main', async () => {
      await server.startup()
      if (this.#process !== process) return
      this.#state = 'running'
      this.#options.tell('is running')
      this.#wake()
    })
  }

  /**
   * Takes the broker down and keeps it down until the result is called, which starts it again, unless something else still
   * keeps it down: then it returns false. Undefined when there was nothing to take down.
   */
  takeDown(how: TakeDown): (() => boolean) | undefined {
    this.#holds++ // before it is down: whoever waits for that to start it again must not
    if (!this.#end(how)) {
      this.#holds--
      return undefined
    }
    return () => {
      this.#holds--
      this.start()
      return this.#holds === 0
    }
  }

  #end(how: TakeDown): boolean {
    if (how === 'kill') return this.kill()
    return how === 'power-loss' ? this.powerLoss() : this.shutdown()
  }

  /** Ends the process as `kill -9`. False when there is none. */
  kill(): boolean {
    if (this.#state === 'down') return false
    this.host.kill()
    this.#down(true)
    return true
  }

  powerLoss(): boolean {
    if (!this.host.up) return false
    this.host.powerLoss()
    this.#down(true)
    return true
  }

  /** Begins a clean shutdown. False when the broker does not run. */
  shutdown(): boolean {
    const process = this.#process
    const server = this.#server
    if (this.#state !== 'running' || process === undefined || server === undefined) return false
    this.#state = 'stopping'
    process.threads.start('shutdown', async () => {
      await server.shutdown()
      if (this.#process !== process) return
      process.kill()
      this.#options.tell('is shut down')
      this.#down(false)
    })
    return true
  }

  /** Resolves when the broker runs; for the trial's main program. */
  async running(): Promise<void> {
    while (this.#state !== 'running') await this.#world.sleep(10)
  }

  /** Threads whose names satisfy `matches` stand still until the result is called; undefined when there are none. */
  freezeThreads(matches: (name: string) => boolean): (() => void) | undefined {
    const lanes: Lane[] = []
    for (const thread of this.#process?.threads ?? []) {
      if (!matches(thread.name)) continue
      lanes.push(thread.lane)
      thread.lane.held ??= []
      this.#frozen.set(thread.lane, (this.#frozen.get(thread.lane) ?? 0) + 1)
    }
    if (lanes.length === 0) return undefined
    return () => {
      for (const lane of lanes) this.#unfreeze(lane)
    }
  }

  #unfreeze(lane: Lane): void {
    const count = (this.#frozen.get(lane) ?? 1) - 1
    if (count > 0) {
      this.#frozen.set(lane, count)
      return
    }
    this.#frozen.delete(lane)
    const { held } = lane
    lane.held = undefined
    if (held !== undefined) this.#world.release(held)
  }

  /** The connection that a broker's connection id (`local-remote-…`) names. */
  connectionOf(connectionId: string): NetworkConnection | undefined {
    const remote = connectionId.split('-').length > 2 ? connectionId : undefined
    return this.#world.network.connections().find(({ client, server }) => {
      const { host, port } = client.local
      return server.kernel.host === this.host && remote?.includes(`-${host}:${port}-`)
    })
  }

  #down(unclean: boolean): void {
    this.#wasUnclean = unclean
    this.#state = 'down'
    this.#process = undefined
    this.#server = undefined
    this.#options.gate.abandon(unclean)
    this.#wake()
  }

  /** What code of an ended process still does on its way out is no news of the broker. */
  #observerOf(process: SimulatedProcess): RequestObserver {
    const { gate } = this.#options
    return {
      onRequest: (info, stage) => {
        if (this.#process === process) gate.onRequest(info, stage)
      },
      onResponse: info => (this.#process === process ? gate.onResponse(info) : 'send'),
    }
  }

  #wake(): void {
    for (const callback of this.#waiting.splice(0)) callback()
  }

  /** The broker gave up by itself, as Kafka does when its only log directory fails. */
  #halted(process: SimulatedProcess, reason: string): void {
    if (this.#process !== process) return
    this.#options.probes.hit('broker-halted')
    this.#options.tell(`halts: ${reason}`)
    process.kill()
    this.#down(true)
    if (!this.host.disk.full && !reason.includes('ENOSPC')) this.#options.onCrash?.({ thread: 'main', error: reason })
  }

  #crashed(process: SimulatedProcess, thread: string, error: unknown): void {
    if (this.#process !== process) return
    this.#options.tell(`crashes in thread ${thread}: ${error instanceof Error ? error.message : String(error)}`)
    this.#down(true)
    if (!isDiskFull(error)) this.#options.onCrash?.({ thread, error })
  }
}

/** Whether a full disk is at the bottom of an error: then the fault is to blame and not the broker. */
function isDiskFull(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof DiskError) return at.code === 'ENOSPC'
  }
  return false
}

/** A single node that is broker and controller. */
function brokerProperties(name: string, { nodeId, config }: BrokerNodeOptions): Map<string, string> {
  const base: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': `${nodeId}`,
    listeners: `PLAINTEXT://${name}:${PORT},CONTROLLER://${name}:${PORT + 1}`,
    'advertised.listeners': `PLAINTEXT://${name}:${PORT}`,
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': `${nodeId}@${name}:${PORT + 1}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': 'data',
  }
  return new Map(Object.entries({ ...base, ...config }))
}
