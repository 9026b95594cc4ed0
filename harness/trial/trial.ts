import type { ClientConduct, Evidence, PartitionLog, RequestBalance } from '../checkers/evidence.ts'
import { History } from '../history/history.ts'
import type { CreateClient, CreateConsumer } from '../workloads/clients/load.ts'
import { ProducerHost } from '../workloads/producer-host.ts'
import type { World } from '../world/world.ts'
import { ChurnTrial } from './churn-trial.ts'
import { Cluster } from './cluster.ts'
import { ClusterAdmin } from './cluster-admin.ts'
import { FaultPlan } from './fault-plan.ts'
import type { ConsumerClientName } from './group-spec.ts'
import { GroupTrials } from './group-trials.ts'
import { LastLook } from './last-look.ts'
import { readLogs } from './log-reader.ts'
import { Onlookers } from './onlookers.ts'
import { Probes } from './probes.ts'
import { QueueWatch } from './queue-watch.ts'
import { TrialError } from './result.ts'
import type { ClientName, ProducerSpec, Scenario } from './scenario.ts'
import { Story } from './story.ts'

/** Chaos goes on for so long after the last planned send and fault. */
const CHAOS_TAIL_MS = 500
/** A node that was healed must run within this time. */
const RESTART_LIMIT_MS = 300_000
/** A healed cluster must be whole within this time: sessions and requests of the time before have run out long before it. */
const WHOLE_LIMIT_MS = 300_000
/** Sends that were planned for the time of chaos may begin for so long after it. */
const PLAN_GRACE_MS = 60_000
/** After healing, every open send must settle within this time, and so must the further ones: it covers all retries of all clients. */
const SETTLE_LIMIT_MS = 600_000
/** What was handed over on a sound network has been written after so long. */
const ON_ITS_WAY_MS = 1000
/** Leaderships have moved and replicas that are in sync have fetched everything after so long, even if a fetch was lost. */
const REST_LIMIT_MS = 60_000
/** Where a disk holds rubbish, replicas and clients may try again for ever: nothing is promised of when they are done. */
const ROTTEN_LIMIT_MS = 20_000
/** Sessions and rebalances of the time before have run out long before it, twice over if members get fresh clients. */
const CONVERGE_LIMIT_MS = 240_000
const QUIET_SECONDS = 3

/** Client libraries by their names in scenarios. */
export interface TrialClients {
  readonly producers: ReadonlyMap<ClientName, CreateClient>
  readonly consumers: ReadonlyMap<ConsumerClientName, CreateConsumer>
}

interface Producer {
  readonly spec: ProducerSpec
  readonly node: ProducerHost
}

/** One trial in its world: the machines, the applications and the phases. */
export class Trial {
  readonly probes = new Probes()
  readonly story: Story
  readonly plan: FaultPlan
  readonly #world: World
  readonly #scenario: Scenario
  readonly #history = new History()
  readonly #cluster: Cluster
  readonly #admin: ClusterAdmin
  readonly #queues: readonly QueueWatch[]
  readonly #producers: readonly Producer[]
  readonly #groups: GroupTrials
  readonly #churn: ChurnTrial | undefined
  readonly #createClient: TrialClients['producers']

  constructor(world: World, scenario: Scenario, { producers, consumers }: TrialClients) {
    this.#world = world
    this.#scenario = scenario
    this.#createClient = producers
    this.story = new Story(world)
    this.#cluster = new Cluster({
      world,
      spec: scenario.cluster,
      probes: this.probes,
      tell: (who, text) => this.story.tell(who, text),
      onCrash: ({ name }, { thread, error }) => {
        const message = `${name} crashed in thread ${thread}: ${describe(error)}`
        world.fail(new TrialError('crash', message, { cause: error }))
      },
    })
    this.#queues = this.#cluster.nodes.map(node => {
      const watch = new QueueWatch(node, this.probes)
      node.gate.onStage = () => watch.look()
      return watch
    })
    world.network.onRefused = from => {
      if (context.clients.some(({ host }) => host.name === from)) this.probes.hit('connection-refused')
    }
    this.#producers = scenario.workload.producers.map((spec, index) => {
      return { spec, node: new ProducerHost(`producer-${index}`, world.host(`app-${index}`)) }
    })
    this.#admin = new ClusterAdmin(world, this.#cluster)
    this.#groups = new GroupTrials({
      world,
      groups: scenario.workload.groups ?? [],
      cluster: this.#cluster,
      createConsumer: consumers,
      probes: this.probes,
      tell: (who, text) => this.story.tell(who, text),
    })
    const { churn: operations } = scenario.workload
    if (operations !== undefined) {
      const tell = (text: string): void => this.story.tell('admin', text)
      this.#churn = new ChurnTrial({ world, operations, cluster: this.#cluster, probes: this.probes, tell })
    }
    const tell = (text: string): void => this.story.tell('fault', text)
    const { members } = this.#groups
    const clients = [...this.#producers.map(({ node }) => node), ...members]
    const context = { world, cluster: this.#cluster, clients, members, admin: this.#admin, tell }
    this.plan = new FaultPlan(context, this.probes)
  }

  async run(): Promise<Evidence> {
    await this.#prepare()
    const onlookers = this.#startOnlookers()
    const running = this.#startProducers()
    this.#groups.start()
    this.#churn?.start()
    this.plan.arm(this.#scenario.faults)
    await this.#world.sleep(chaosMs(this.#scenario))
    await this.#heal()
    const healedMs = this.#world.nowMs
    for (const { node } of this.#producers) node.endPlanAt(healedMs + PLAN_GRACE_MS)
    const whole = this.#whole()
    const settleLimitMs = this.#mayBeRotten ? ROTTEN_LIMIT_MS : SETTLE_LIMIT_MS
    await this.#within(settleLimitMs, running)
    const recovering = this.#producers.map(({ node }) => node.recover())
    await this.#within(settleLimitMs, Promise.all(recovering))
    const recovery = await whole
    this.#requireRecovery(recovery)
    const groups = recovery.recovered
      ? await this.#groups.settle(this.#mayBeRotten ? ROTTEN_LIMIT_MS : CONVERGE_LIMIT_MS)
      : []
    const churn = recovery.recovered ? await this.#churn?.settle(CONVERGE_LIMIT_MS) : undefined
    const conduct = await this.#observeConduct()
    if (recovery.recovered) await this.#atRest()
    const logs = recovery.recovered ? await this.#readLogs() : []
    // Leaderships may have moved again. From here to the last look nothing can happen.
    if (recovery.recovered) await this.#untilSettled()
    const endedMs = this.#world.nowMs
    onlookers?.stop()
    const look = new LastLook(this.#cluster)
    await this.#shutDown()
    this.#countOutcomes()
    const { observations } = this.#cluster
    return {
      scenario: this.#scenario,
      history: this.#history,
      logs,
      reads: onlookers?.reads ?? [],
      ...(await look.evidence()),
      observed: observations,
      damage: observations.damage,
      recovery,
      queues: this.#queues.flatMap(queue => queue.observations()),
      requests: this.#requests(),
      conduct,
      groups,
      churn,
      healedMs,
      endedMs,
    }
  }

  async #prepare(): Promise<void> {
    this.#cluster.start()
    await this.#running()
    await this.#admin.createTopic()
    const { missing } = await this.#cluster.whole(WHOLE_LIMIT_MS)
    if (missing.length > 0) {
      throw new TrialError('liveness', `the cluster does not become whole at its start: ${missing.join('; ')}`)
    }
    this.#cluster.noteAssignment()
  }

  #startOnlookers(): Onlookers | undefined {
    if (!this.#scenario.guarantees.includes('reads-stay')) return undefined
    const onlookers = new Onlookers(this.#world)
    onlookers.start(this.#cluster.brokers, this.#scenario.cluster.topic)
    return onlookers
  }

  #startProducers(): Promise<unknown> {
    const startMs = this.#world.nowMs
    const { topic } = this.#scenario.cluster
    const { bootstrap } = this.#cluster
    const running = this.#producers.map(({ spec, node }, index) => {
      const tell = (text: string): void => this.story.tell(node.name, text)
      const create = this.#createClient.get(spec.client) as CreateClient
      return node.run({
        history: this.#history,
        producer: index,
        spec,
        partitions: topic.partitions,
        createClient: runtime =>
          create({ runtime, clientId: node.name, bootstrap, topic: topic.name, spec, log: tell }),
        startMs,
        tell,
      })
    })
    return Promise.all(running)
  }

  async #heal(): Promise<void> {
    this.story.tell('trial', 'all faults end')
    this.plan.heal()
    this.#cluster.start()
    this.#groups.heal()
    await this.#running()
  }

  async #running(): Promise<void> {
    if (await this.#within(RESTART_LIMIT_MS, this.#cluster.running())) return
    const down = this.#cluster.nodes.filter(({ state }) => state !== 'running').map(({ name }) => name)
    const since = `${RESTART_LIMIT_MS} ms after they were last started`
    throw new TrialError('liveness', `${down.join(', ')} does not run ${since}${this.#world.whoWaits()}`)
  }

  /** Waits until the cluster is whole, all that was to be put right included. */
  async #whole(): Promise<Evidence['recovery']> {
    const limitMs = this.#mayBeRotten ? ROTTEN_LIMIT_MS : WHOLE_LIMIT_MS
    const { tookMs, missing } = await this.#cluster.whole(limitMs, () => this.#admin.owed)
    return { recovered: missing.length === 0, tookMs, missing }
  }

  /** A disk may hold other bytes than were written to it: `mayCorrupt` has come to pass. */
  get #mayBeRotten(): boolean {
    const kinds = new Set(this.#cluster.observations.damage.map(({ kind }) => kind))
    return kinds.has('bit-rot') || (kinds.has('fsync-error') && kinds.has('power-loss'))
  }

  /** A cluster that does not recover is a lack of liveness even where nobody judges it, unless a disk holds rubbish. */
  #requireRecovery({ recovered, tookMs, missing }: Evidence['recovery']): void {
    const judged = this.#scenario.guarantees.includes('cluster-recovers')
    if (recovered || judged || this.#mayBeRotten) return
    throw new TrialError('liveness', `${tookMs} ms after all faults ended ${missing.join('; ')}`)
  }

  /** Waits until what was sent last is written and followers have fetched it: with acks=0 or 1 nobody has yet waited for that. */
  async #atRest(): Promise<void> {
    if (this.#producers.some(({ spec }) => spec.acks === 0)) await this.#world.sleep(ON_ITS_WAY_MS)
    await this.#untilSettled()
  }

  /** A cluster that does not come to rest is looked at all the same. */
  async #untilSettled(): Promise<void> {
    const endMs = this.#world.nowMs + REST_LIMIT_MS
    while (this.#cluster.unsettled().length > 0 && this.#world.nowMs < endMs) await this.#world.sleep(10)
  }

  /** Watches the clients while they have nothing to do. */
  async #observeConduct(): Promise<ClientConduct[]> {
    const busiest = new Array<number>(this.#producers.length).fill(0)
    if (this.#scenario.guarantees.includes('no-busy-timers')) {
      for (let second = 0; second < QUIET_SECONDS; second++) {
        const before = this.#producers.map(({ node }) => node.process?.timersFired ?? 0)
        await this.#world.sleep(1000)
        for (const [index, { node }] of this.#producers.entries()) {
          const fired = (node.process?.timersFired ?? 0) - (before[index] as number)
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
        ...(node.heldBytes === undefined ? {} : { heldBytes: node.heldBytes }),
      }
    })
  }

  async #readLogs(): Promise<PartitionLog[]> {
    const process = this.#world.host('reader').process()
    const { name, partitions } = this.#scenario.cluster.topic
    const bootstrap = this.#cluster.brokers.map(({ name: host, port }) => ({ host, port }))
    const mayBeRotten = this.#mayBeRotten
    return await process.run(() => readLogs({ process, bootstrap, topic: name, partitions, mayBeRotten }))
  }

  /** Brokers first: they hand over with the controllers' leave. */
  async #shutDown(): Promise<void> {
    const { nodes } = this.#cluster
    await this.#within(RESTART_LIMIT_MS, Promise.all(nodes.map(node => node.shutdownBroker())))
    for (const node of nodes) node.shutdown()
    if (await this.#within(RESTART_LIMIT_MS, Promise.all(nodes.map(node => node.down())))) return
    const names = nodes.filter(({ state }) => state !== 'down').map(({ name }) => name)
    throw new TrialError('liveness', `${names.join(', ')} does not shut down${this.#world.whoWaits()}`)
  }

  #requests(): RequestBalance[] {
    return this.#cluster.nodes.map(({ id: node, gate }) => {
      const { received, handled, abandoned } = gate.counts
      return { node, received, answered: handled, abandoned }
    })
  }

  #countOutcomes(): void {
    for (const { outcome } of this.#history.sends) {
      if (outcome.kind === 'ok') this.probes.hit('send-acknowledged')
      if (outcome.kind === 'failed') this.probes.hit('send-failed')
      if (outcome.kind === 'indeterminate') this.probes.hit('send-indeterminate')
      if ('error' in outcome && outcome.error.name === 'BufferExhaustedException')
        this.probes.hit('producer-buffer-full')
      const type = 'error' in outcome ? (outcome.error.type ?? '') : ''
      if (type.startsWith('NOT_ENOUGH_REPLICAS')) this.probes.hit('not-enough-replicas')
    }
  }

  /** Whether `work` settled within `limitMs`; its error is passed on. */
  async #within(limitMs: number, work: Promise<unknown>): Promise<boolean> {
    return await Promise.race([work.then(() => true), this.#world.sleep(limitMs).then(() => false)])
  }
}

/** How long chaos lasts: until the last planned send, start of a member and end of a fault. */
function chaosMs({ workload, faults }: Scenario): number {
  const sends = workload.producers.flatMap(({ sends }) => sends.map(({ atMs }) => atMs))
  const ends = faults.map(({ at, forMs }) => ('ms' in at ? at.ms : 0) + forMs)
  const members = (workload.groups ?? []).flatMap(group => group.members)
  const starts = members.flatMap(({ startMs, redeploys }) => [
    startMs,
    ...redeploys.map(({ atMs, forMs }) => atMs + forMs),
  ])
  const administration = (workload.churn ?? []).map(({ atMs }) => atMs)
  return Math.max(0, ...sends, ...ends, ...starts, ...administration) + CHAOS_TAIL_MS
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
