import { KafkaAdminClient } from '../../src/clients/admin/kafka-admin-client.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import { Cluster } from '../trial/cluster.ts'
import { ClusterAdmin } from '../trial/cluster-admin.ts'
import { FaultPlan } from '../trial/fault-plan.ts'
import { Probes } from '../trial/probes.ts'
import { TrialError } from '../trial/result.ts'
import type { ClusterSpec, Fault, FaultName } from '../trial/scenario.ts'
import { Story } from '../trial/story.ts'
import type { SimulatedHost } from '../world/host.ts'
import type { World } from '../world/world.ts'
import { Service, type ServiceMain, type ServiceOptions } from './service.ts'

/** A cluster that was healed must be whole within this time, virtual ms. */
const WHOLE_LIMIT_MS = 300_000
/** How often `until` looks, virtual ms. */
const LOOK_MS = 10

/** A topic that exists when the body begins. */
export interface SimulationTopic {
  readonly name: string
  /** Default 1. */
  readonly partitions?: number
  /** Default: 3, or as many as there are brokers. */
  readonly replicationFactor?: number
  /** By Kafka's keys. */
  readonly config?: Readonly<Record<string, string>>
}

/** What a fault does besides being of its kind; see the catalogue for what each kind takes. Default: at once. */
export type FaultOptions = Partial<Omit<Fault, 'kind'>>

/** A cluster and applications in a simulated world: everything happens on virtual time, and the seed decides the rest. */
export class Simulation {
  readonly story: Story
  readonly #world: World
  readonly #cluster: Cluster
  readonly #plan: FaultPlan
  readonly #services: Service[] = []
  readonly #scriptHosts = new Map<string, SimulatedHost>()

  constructor(world: World, spec: ClusterSpec) {
    this.#world = world
    this.story = new Story(world)
    const probes = new Probes()
    this.#cluster = new Cluster({
      world,
      spec,
      probes,
      tell: (who, text) => this.story.tell(who, text),
      onCrash: ({ name }, { thread, error }) => {
        const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
        world.fail(new TrialError('crash', `${name} crashed in thread ${thread}: ${why}`, { cause: error }))
      },
    })
    const context = {
      world,
      cluster: this.#cluster,
      clients: this.#services, // as they come
      members: [],
      admin: new ClusterAdmin(world, this.#cluster),
      tell: (text: string): void => this.story.tell('fault', text),
    }
    this.#plan = new FaultPlan(context, probes)
  }

  /** `host:port` of each broker, for clients. */
  get bootstrap(): string[] {
    return this.#cluster.bootstrap
  }

  /** Virtual milliseconds since the world began. */
  get nowMs(): number {
    return this.#world.nowMs
  }

  /** Lets virtual time pass. */
  sleep(ms: number): Promise<void> {
    return this.#world.sleep(ms)
  }

  /**
   * Waits until something holds, looked at every 10 virtual ms.
   *
   * @param limitMs virtual; default one minute
   * @throws Error that names `what` when it does not hold by then
   */
  async until(what: string, holds: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
    const deadlineMs = this.nowMs + limitMs
    while (!(await holds())) {
      if (this.nowMs >= deadlineMs) throw new Error(`not within ${limitMs} virtual ms: ${what}`)
      await this.sleep(LOOK_MS)
    }
  }

  /** Adds a line to the story. */
  tell(text: string): void {
    this.story.tell('test', text)
  }

  /** Starts an application on a machine of its own, which has its name. Clients have to be made in there. */
  start(name: string, main: ServiceMain, options: ServiceOptions = {}): Service {
    const service = new Service(this.#world.host(name), main, options, text => this.story.tell(name, text))
    this.#services.push(service)
    service.start()
    return service
  }

  /**
   * Runs something to its end on a machine of its own, such as a script that fills a topic; the next of that name runs on
   * the same machine. Clients have to be made in there.
   */
  run<T>(name: string, script: (runtime: Runtime) => Promise<T>): Promise<T> {
    const host = this.#scriptHosts.get(name) ?? this.#world.host(name)
    this.#scriptHosts.set(name, host)
    const process = host.process(name)
    return process.run(() => script(process)).finally(() => process.kill())
  }

  /** Injects a fault, now or when its trigger fires; `on` without a value is the first broker. It ends after `forMs`, or by `heal`. */
  inject(kind: FaultName, options: FaultOptions = {}): void {
    this.#plan.add({ at: { ms: 0 }, forMs: 0, ...options, kind })
  }

  /**
   * Ends all faults for good and waits until every broker runs and all replicas are in sync.
   *
   * @throws TrialError when the cluster does not become whole within five virtual minutes
   */
  async heal(): Promise<void> {
    this.story.tell('fault', 'all faults end')
    this.#plan.heal()
    this.#cluster.start()
    await this.whole()
  }

  /** Waits until every broker runs and all replicas are in sync. @throws TrialError after five virtual minutes */
  async whole(): Promise<void> {
    const { missing } = await this.#cluster.whole(WHOLE_LIMIT_MS)
    if (missing.length > 0) throw new TrialError('liveness', `the cluster does not become whole: ${missing.join('; ')}`)
  }

  /** For `simulate`: starts the cluster and creates the topics. */
  async prepare(topics: readonly SimulationTopic[]): Promise<void> {
    this.#cluster.start()
    await this.#cluster.running()
    const process = this.#world.host('setup').process('setup')
    await process.run(async () => {
      const admin = new KafkaAdminClient(process, { 'bootstrap.servers': this.bootstrap })
      const created = topics.map(({ name, partitions = 1, replicationFactor, config = {} }) => {
        const brokers = this.#cluster.brokers.length
        return {
          name,
          numPartitions: partitions,
          replicationFactor: replicationFactor ?? Math.min(3, brokers),
          configs: config,
        }
      })
      await admin.createTopics(created).all()
      await admin.close()
    })
    await this.whole()
    this.#cluster.noteAssignment()
  }

  /** For `simulate`: lets faults happen from now on. */
  arm(): void {
    this.#plan.arm([])
  }
}
