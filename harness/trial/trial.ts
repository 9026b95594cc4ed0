import { NetworkClient } from '../../src/network/network-client.ts'
import { CreateTopics } from '../../src/protocol/apis/create-topics.ts'
import { errorName } from '../../src/protocol/errors.ts'
import type { ClientConduct, Evidence, PartitionLog } from '../checkers/evidence.ts'
import type { FaultContext } from '../faults/fault-kind.ts'
import { History } from '../history/history.ts'
import { AppendApplication } from '../workloads/append.ts'
import type { CreateClient } from '../workloads/clients/load.ts'
import type { World } from '../world/world.ts'
import { BrokerNode } from './broker-node.ts'
import type { ClientNode } from './client-node.ts'
import { inspectDisk } from './disk-inspection.ts'
import { FaultPlan } from './fault-plan.ts'
import { readLogs } from './log-reader.ts'
import { Probes } from './probes.ts'
import { QueueWatch } from './queue-watch.ts'
import { ResponseGate } from './response-gate.ts'
import { TrialError } from './result.ts'
import type { ClientName, ProducerSpec, Scenario } from './scenario.ts'
import { Story } from './story.ts'

/** Chaos goes on for so long after the last planned send and fault. */
const CHAOS_TAIL_MS = 500
/** A broker that was healed must run within this time. */
const RESTART_LIMIT_MS = 300_000
/** Sends that were planned for the time of chaos may begin for so long after it. */
const PLAN_GRACE_MS = 60_000
/** After healing, every open send must settle within this time, and so must the further ones: it covers all retries of all clients. */
const SETTLE_LIMIT_MS = 600_000
const QUIET_SECONDS = 3
const CREATE_TOPICS_VERSION = 5
const REQUEST_TIMEOUT_MS = 30_000

interface Producer {
  readonly spec: ProducerSpec
  readonly node: ClientNode
  readonly application: AppendApplication
}

/** One trial in its world: the machines, the applications and the phases. */
export class Trial {
  readonly probes = new Probes()
  readonly story: Story
  readonly plan: FaultPlan
  readonly #world: World
  readonly #scenario: Scenario
  readonly #history = new History()
  readonly #gate: ResponseGate
  readonly #broker: BrokerNode
  readonly #queues: QueueWatch
  readonly #producers: Producer[]
  readonly #clients: readonly ClientNode[]
  readonly #createClient: ReadonlyMap<ClientName, CreateClient>

  constructor(world: World, scenario: Scenario, createClient: ReadonlyMap<ClientName, CreateClient>) {
    this.#world = world
    this.#scenario = scenario
    this.#createClient = createClient
    this.story = new Story(world)
    this.#gate = new ResponseGate(this.probes)
    this.#broker = new BrokerNode({
      world,
      nodeId: 1,
      config: scenario.cluster.config,
      gate: this.#gate,
      probes: this.probes,
      tell: text => this.story.tell('broker-1', text),
      onCrash: ({ thread, error }) => {
        const message = `${this.#broker.name} crashed in thread ${thread}: ${describe(error)}`
        world.fail(new TrialError('crash', message, { cause: error }))
      },
    })
    this.#queues = new QueueWatch(this.#broker, this.probes)
    this.#gate.onStage = () => this.#queues.look()
    world.network.onRefused = from => {
      if (this.#clients.some(({ host }) => host.name === from)) this.probes.hit('connection-refused')
    }
    this.#clients = scenario.workload.producers.map((_, index) => this.#machine(index))
    const context: FaultContext = {
      world,
      broker: this.#broker,
      clients: this.#clients,
      gate: this.#gate,
      tell: text => this.story.tell('fault', text),
    }
    this.plan = new FaultPlan(context, this.probes)
    this.#producers = []
  }

  async run(): Promise<Evidence> {
    await this.#prepare()
    const running = this.#startProducers()
    this.plan.arm(this.#scenario.faults)
    await this.#world.sleep(chaosMs(this.#scenario))
    await this.#heal()
    const healedMs = this.#world.nowMs
    for (const { application } of this.#producers) application.endPlanAt(healedMs + PLAN_GRACE_MS)
    await this.#within(SETTLE_LIMIT_MS, running)
    const recovering = this.#producers.map(({ node, application }) => node.process.run(() => application.recover()))
    await this.#within(SETTLE_LIMIT_MS, Promise.all(recovering))
    const conduct = await this.#observeConduct()
    const logs = await this.#readLogs()
    const endedMs = this.#world.nowMs
    const disk = await this.#shutDownAndInspect()
    this.#countOutcomes()
    const { received, handled, abandoned } = this.#gate.counts
    return {
      scenario: this.#scenario,
      history: this.#history,
      logs,
      disk,
      queues: this.#queues.observations(),
      requests: { received, answered: handled, abandoned },
      conduct,
      powerLossesMs: this.#broker.host.powerLossesMs,
      healedMs,
      endedMs,
    }
  }

  #machine(index: number): ClientNode {
    const host = this.#world.host(`app-${index}`)
    return { name: `producer-${index}`, host, process: host.process() }
  }

  async #prepare(): Promise<void> {
    this.#broker.start()
    await this.#running()
    const { name, partitions, config } = this.#scenario.cluster.topic
    const admin = this.#world.host('admin').process()
    const client = new NetworkClient(admin, { ...this.#address, clientId: 'admin' })
    await admin.run(() => client.connect())
    const response = await client.send(CreateTopics, CREATE_TOPICS_VERSION, {
      topics: [
        {
          name,
          numPartitions: partitions,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(config).map(([key, value]) => ({ name: key, value })),
        },
      ],
      timeoutMs: REQUEST_TIMEOUT_MS,
      validateOnly: false,
    })
    client.close()
    const created = response.topics[0]
    if (created === undefined || created.errorCode !== 0) {
      throw new TrialError(
        'internal',
        `topic ${name} could not be created: ${errorName(created?.errorCode ?? -1)} ${created?.errorMessage ?? ''}`,
      )
    }
  }

  get #address(): { readonly host: string; readonly port: number } {
    return { host: this.#broker.name, port: this.#broker.port }
  }

  #startProducers(): Promise<unknown> {
    const startMs = this.#world.nowMs
    const { producers } = this.#scenario.workload
    const { topic } = this.#scenario.cluster
    for (const [index, spec] of producers.entries()) {
      const node = this.#clients[index] as ClientNode
      const tell = (text: string): void => this.story.tell(node.name, text)
      const create = this.#createClient.get(spec.client) as CreateClient
      const application = node.process.run(() => {
        const bootstrap = [this.#broker.bootstrap]
        const createClient = () => create({ clientId: node.name, bootstrap, topic: topic.name, spec, log: tell })
        return new AppendApplication({
          process: node.process,
          history: this.#history,
          producer: index,
          spec,
          partitions: topic.partitions,
          createClient,
          startMs,
          tell,
        })
      })
      this.#producers.push({ spec, node, application })
    }
    return Promise.all(this.#producers.map(({ node, application }) => node.process.run(() => application.run())))
  }

  async #heal(): Promise<void> {
    this.story.tell('trial', 'all faults end')
    this.plan.heal()
    this.#broker.start()
    await this.#running()
  }

  async #running(): Promise<void> {
    if (await this.#within(RESTART_LIMIT_MS, this.#broker.running())) return
    const message = `${this.#broker.name} does not run ${RESTART_LIMIT_MS} ms after all faults ended${this.#world.whoWaits()}`
    throw new TrialError('liveness', message)
  }

  /** Watches the clients while they have nothing to do. */
  async #observeConduct(): Promise<ClientConduct[]> {
    const busiest = new Array<number>(this.#producers.length).fill(0)
    if (this.#scenario.guarantees.includes('no-busy-timers')) {
      for (let second = 0; second < QUIET_SECONDS; second++) {
        const before = this.#producers.map(({ node }) => node.process.timersFired)
        await this.#world.sleep(1000)
        for (const [index, { node }] of this.#producers.entries()) {
          const fired = node.process.timersFired - (before[index] as number)
          busiest[index] = Math.max(busiest[index] as number, fired)
        }
      }
    }
    return this.#producers.map(({ spec, node }, producer) => {
      const silences = node.host.kernel
        .silences()
        .filter(({ longestMs }) => spec.acks !== 0 && longestMs > spec.requestTimeoutMs)
      return {
        producer,
        idleTimersPerSecond: busiest[producer] as number,
        requestsOnDeadConnection: silences.reduce((sum, { writes }) => sum + writes, 0),
        deadConnectionMs: Math.max(0, ...silences.map(({ longestMs }) => longestMs)),
      }
    })
  }

  async #readLogs(): Promise<PartitionLog[]> {
    const process = this.#world.host('reader').process()
    const { name, partitions } = this.#scenario.cluster.topic
    return await process.run(() => readLogs({ process, ...this.#address, topic: name, partitions }))
  }

  async #shutDownAndInspect(): Promise<Evidence['disk']> {
    this.#broker.shutdown()
    const down = async (): Promise<void> => {
      while (this.#broker.state !== 'down') await this.#world.sleep(10)
    }
    if (!(await this.#within(RESTART_LIMIT_MS, down()))) {
      throw new TrialError('liveness', `${this.#broker.name} does not shut down${this.#world.whoWaits()}`)
    }
    return await inspectDisk(this.#broker.host, this.#scenario.cluster.topic)
  }

  #countOutcomes(): void {
    for (const { outcome } of this.#history.sends) {
      if (outcome.kind === 'ok') this.probes.hit('send-acknowledged')
      if (outcome.kind === 'failed') this.probes.hit('send-failed')
      if (outcome.kind === 'indeterminate') this.probes.hit('send-indeterminate')
    }
  }

  /** Whether `work` settled within `limitMs`; its error is passed on. */
  async #within(limitMs: number, work: Promise<unknown>): Promise<boolean> {
    return await Promise.race([work.then(() => true), this.#world.sleep(limitMs).then(() => false)])
  }
}

/** How long chaos lasts: until the last planned send and the end of the last planned fault. */
function chaosMs({ workload, faults }: Scenario): number {
  const sends = workload.producers.flatMap(({ sends }) => sends.map(({ atMs }) => atMs))
  const ends = faults.map(({ at, forMs }) => ('ms' in at ? at.ms : 0) + forMs)
  return Math.max(0, ...sends, ...ends) + CHAOS_TAIL_MS
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
