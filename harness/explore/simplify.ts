import type { ClusterSpec, Fault, ProducerSpec, Scenario, SendSpec } from '../trial/scenario.ts'
import { withLessChurn } from './simplify-churn.ts'
import { withLessOfGroups } from './simplify-groups.ts'
import { withPlainKeys } from './simplify-keys.ts'

/** Runs a candidate; true when it still gives the finding. */
export type Attempt = (candidate: Scenario) => Promise<boolean>

/** Rounds of all passes; each further one only runs because the one before changed something. */
const MAX_ROUNDS = 10

/**
 * Makes a scenario smaller by passes over its structure, as long as `attempt` accepts: with fewer nodes and copies, without
 * faults (in halves, then one by one), producers, sends, records, groups, members and administration; with earlier times, shorter faults, plainer values, the
 * plainest schedule; without configuration.
 *
 * @returns whether the last round found nothing more to take away
 */
export async function simplify(scenario: Scenario, attempt: Attempt): Promise<boolean> {
  const reduction = new Reduction(scenario, attempt)
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = reduction.scenario
    await reduction.round()
    if (reduction.scenario === before) return true
  }
  return false
}

class Reduction {
  scenario: Scenario
  readonly #attempt: Attempt

  constructor(scenario: Scenario, attempt: Attempt) {
    this.scenario = scenario
    this.#attempt = attempt
  }

  async round(): Promise<void> {
    await this.#reduceNodes()
    await this.#dropFrom(this.scenario.faults, 0, faults => ({ ...this.scenario, faults }))
    await this.#dropFrom(this.#producers, 1, producers => this.#withProducers(producers))
    for (let index = 0; index < this.#producers.length; index++) await this.#reduceSends(index)
    const plainer = withPlainKeys(this.scenario)
    if (plainer !== this.scenario) await this.#try(plainer)
    await this.#reduceBy(withLessOfGroups)
    await this.#reduceChurn()
    for (let index = 0; index < this.scenario.faults.length; index++) await this.#reduceFault(index)
    await this.#try({ ...this.scenario, schedule: 'fifo' })
    await this.#reduceConfig()
  }

  get #producers(): readonly ProducerSpec[] {
    return this.scenario.workload.producers
  }

  #withProducers(producers: readonly ProducerSpec[]): Scenario {
    return { ...this.scenario, workload: { ...this.scenario.workload, producers } }
  }

  async #try(candidate: Scenario): Promise<boolean> {
    if (!(await this.#attempt(candidate))) return false
    this.scenario = candidate
    return true
  }

  /** Removes runs of items, long runs first. */
  async #dropFrom<T>(items: readonly T[], least: number, rebuild: (items: readonly T[]) => Scenario): Promise<void> {
    let kept = items
    for (let size = kept.length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < kept.length; ) {
        const fewer = [...kept.slice(0, at), ...kept.slice(at + size)]
        if (fewer.length >= least && (await this.#try(rebuild(fewer)))) kept = fewer
        else at += size
      }
    }
  }

  async #reduceSends(index: number): Promise<void> {
    const producer = (): ProducerSpec => this.#producers[index] as ProducerSpec
    const changed = (change: Partial<ProducerSpec>): Scenario =>
      this.#withProducers(this.#producers.map((spec, at) => (at === index ? { ...spec, ...change } : spec)))
    await this.#dropFrom(producer().sends, 0, sends => changed({ sends }))
    for (let at = 0; at < producer().sends.length; at++) {
      await this.#plainer(
        SEND_STEPS,
        () => producer().sends[at] as SendSpec,
        plainer => changed({ sends: producer().sends.map((send, other) => (other === at ? plainer : send)) }),
      )
    }
    await this.#try(changed({ compression: 'none' }))
    await this.#try(changed({ maxInFlight: null }))
    await this.#try(changed({ sequential: true }))
    const { bufferMemory, maxBlockMs, ...unlimited } = producer()
    if (bufferMemory === undefined && maxBlockMs === undefined) return
    await this.#try(this.#withProducers(this.#producers.map((spec, at) => (at === index ? unlimited : spec))))
  }

  /** Operations in halves, then one by one; then what is left of them with plainer values. */
  async #reduceChurn(): Promise<void> {
    await this.#dropFrom(this.scenario.workload.churn ?? [], 1, churn => ({
      ...this.scenario,
      workload: { ...this.scenario.workload, churn },
    }))
    await this.#reduceBy(withLessChurn)
  }

  /** Each time the first candidate that is accepted, until none is. */
  async #reduceBy(candidates: (scenario: Scenario) => Iterable<Scenario>): Promise<void> {
    for (let smaller = true; smaller; ) {
      smaller = false
      for (const candidate of candidates(this.scenario)) {
        if (await this.#try(candidate)) {
          smaller = true
          break
        }
      }
    }
  }

  /** The smallest cluster at once, then one thing less after the other. */
  async #reduceNodes(): Promise<void> {
    const { brokers, topic } = this.scenario.cluster
    const single = { brokers: 1, controllers: 1, roles: 'combined' } as const
    await this.#try(this.#withCluster({ ...single, topic: { ...topic, replicationFactor: 1, partitions: 1 } }))
    for (let fewer = 1; fewer < brokers; fewer++) {
      if (await this.#try(this.#withBrokers(fewer))) break
    }
    await this.#try(this.#withCluster({ controllers: 1 }))
    await this.#try(this.#withCluster({ roles: 'combined' }))
    for (let copies = 1; copies < this.scenario.cluster.topic.replicationFactor; copies++) {
      if (await this.#try(this.#withTopic({ replicationFactor: copies }))) break
    }
    await this.#try(this.#withTopic({ partitions: 1 }))
  }

  #withBrokers(brokers: number): Scenario {
    const { topic } = this.scenario.cluster
    const replicationFactor = Math.min(topic.replicationFactor, brokers)
    return this.#withCluster({ brokers, topic: { ...topic, replicationFactor } })
  }

  #withTopic(change: Partial<ClusterSpec['topic']>): Scenario {
    return this.#withCluster({ topic: { ...this.scenario.cluster.topic, ...change } })
  }

  async #reduceConfig(): Promise<void> {
    const { topic, config, features } = this.scenario.cluster
    await this.#dropFrom(Object.entries(features ?? {}), 0, entries => {
      const { features: _, ...cluster } = this.scenario.cluster
      const fewer = entries.length === 0 ? {} : { features: Object.fromEntries(entries) }
      return { ...this.scenario, cluster: { ...cluster, ...fewer } }
    })
    await this.#dropFrom(Object.entries(config), 0, entries =>
      this.#withCluster({ config: Object.fromEntries(entries) }),
    )
    await this.#dropFrom(Object.entries(topic.config), 0, entries => {
      return this.#withTopic({ config: Object.fromEntries(entries) })
    })
  }

  #withCluster(change: Partial<Scenario['cluster']>): Scenario {
    return { ...this.scenario, cluster: { ...this.scenario.cluster, ...change } }
  }

  async #reduceFault(index: number): Promise<void> {
    await this.#plainer(
      FAULT_STEPS,
      () => this.scenario.faults[index] as Fault,
      plainer => ({
        ...this.scenario,
        faults: this.scenario.faults.map((fault, at) => (at === index ? plainer : fault)),
      }),
    )
  }

  /** Takes every step that is accepted, each from where the one before has led. */
  async #plainer<T>(steps: readonly Step<T>[], current: () => T, rebuild: (plainer: T) => Scenario): Promise<void> {
    for (const step of steps) {
      for (;;) {
        const plainer = step(current())
        if (plainer === undefined || !(await this.#try(rebuild(plainer)))) break
      }
    }
  }
}

type Step<T> = (value: T) => T | undefined

/** The middle between a value and the least it can be; undefined when it cannot be less. */
function nearer(value: number, least: number): number | undefined {
  return value > least ? least + Math.floor((value - least) / 2) : undefined
}

function half<T, K extends keyof T>(value: T, key: K, least: number): T | undefined {
  const less = nearer(value[key] as number, least)
  return less === undefined ? undefined : { ...value, [key]: less }
}

/** What is tried with a send, one after the other; undefined when there is nothing to try. */
const SEND_STEPS: readonly Step<SendSpec>[] = [
  send => (send.records > 1 ? { ...send, records: 1 } : undefined),
  send => half(send, 'records', 1),
  send => (send.atMs > 0 ? { ...send, atMs: 0 } : undefined),
  send => half(send, 'atMs', 0),
  send => ('partition' in send && send.partition > 0 ? { ...send, partition: 0 } : undefined),
  send => ('key' in send && send.key > 0 ? { ...send, key: 0 } : undefined),
  send => (send.bytes > 0 ? { ...send, bytes: 0 } : undefined),
  send => half(send, 'bytes', 0),
]

const FAULT_STEPS: readonly Step<Fault>[] = [
  ({ nodes, ...plain }) => (nodes === undefined ? undefined : plain),
  fault => ((fault.nodes ?? 1) > 2 ? half(fault as Fault & { nodes: number }, 'nodes', 2) : undefined),
  ({ shape, ...plain }) => (shape === undefined ? undefined : plain),
  ({ error, ...plain }) => (error === undefined ? undefined : plain),
  ({ on, ...plain }) => (on === undefined ? undefined : plain),
  fault => (typeof fault.on === 'string' || (fault.on ?? 0) > 0 ? { ...fault, on: 0 } : undefined),
  ({ pick, ...plain }) => (pick === undefined ? undefined : plain),
  ({ amount, ...plain }) => (amount === undefined ? undefined : plain),
  fault => (fault.forMs > 0 ? { ...fault, forMs: 0 } : undefined),
  fault => half(fault, 'forMs', 0),
  fault => ('ms' in fault.at && fault.at.ms === 0 ? undefined : { ...fault, at: { ms: 0 } }),
  fault => {
    const ms = 'ms' in fault.at ? nearer(fault.at.ms, 0) : undefined
    return ms === undefined ? undefined : { ...fault, at: { ms } }
  },
  fault => {
    if (!('nth' in fault.at)) return undefined
    const nth = nearer(fault.at.nth ?? 1, 1)
    return nth === undefined ? undefined : { ...fault, at: { ...fault.at, nth } }
  },
]
