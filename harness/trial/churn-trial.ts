import type { PartitionRegistration } from '../../src/controller/partition-registration.ts'
import { PARTITION_METADATA_FILE_NAME } from '../../src/log/partition-metadata-file.ts'
import type { ChurnDirectory, ChurnEvidence, ChurnedTopic } from '../checkers/churn-evidence.ts'
import { leftovers } from '../checkers/deleted-is-gone.ts'
import { Administrator } from '../workloads/administrator.ts'
import type { World } from '../world/world.ts'
import { ChurnHistory } from './churn-history.ts'
import { CHURN_PREFIX, type ChurnOperation, churnTopic } from './churn-spec.ts'
import type { Cluster } from './cluster.ts'
import { readLogs } from './log-reader.ts'
import { DATA_DIRECTORY } from './node-layout.ts'
import type { Probes } from './probes.ts'

const LOOK_MS = 500
/** `churn-0-1`, `churn-0-1.0123….-delete` */
const DIRECTORY = /^churn-(\d+)-(\d+)(\..*)?$/

export interface ChurnTrialOptions {
  readonly world: World
  readonly operations: readonly ChurnOperation[]
  readonly cluster: Cluster
  readonly probes: Probes
  readonly tell: (text: string) => void
}

/** Administration of a trial: topics that come, change and go while everything else happens. */
export class ChurnTrial {
  readonly #options: ChurnTrialOptions
  readonly #history = new ChurnHistory()
  readonly #administrator: Administrator
  #done: Promise<unknown> = Promise.resolve()

  constructor(options: ChurnTrialOptions) {
    this.#options = options
    const { world, cluster, tell } = options
    const process = world.host('churn').process()
    const { bootstrap } = cluster
    const brokers = cluster.brokers.length
    this.#administrator = process.run(
      () => new Administrator({ process, bootstrap, history: this.#history, brokers, tell }),
    )
  }

  /** Begins with what is planned; times count from now. */
  start(): void {
    const { operations } = this.#options
    const topics = new Set(operations.map(({ topic }) => topic))
    const startMs = this.#options.world.nowMs
    this.#done = Promise.all([...topics].map(topic => this.#churn(topic, startMs)))
  }

  /** Waits until everything that was asked for has ended, and topics and disks have come to rest, or the time is up. */
  async settle(limitMs: number): Promise<ChurnEvidence> {
    const { world } = this.#options
    const endMs = world.nowMs + limitMs
    let over = false
    void this.#done.then(() => {
      over = true
    })
    while (world.nowMs < endMs && (!over || !this.#isAtRest())) await world.sleep(LOOK_MS)
    const missing = this.#missing()
    const topics = await Promise.all(this.#topics().map(topic => this.#read(topic, missing.length === 0)))
    await this.#administrator.close()
    const { calls } = this.#history
    return { calls, topics, directories: this.#directories(), missing }
  }

  async #churn(topic: number, startMs: number): Promise<void> {
    const { operations, world, probes } = this.#options
    const planned = [...operations.entries()]
      .filter(([, operation]) => operation.topic === topic)
      .sort(([, a], [, b]) => a.atMs - b.atMs)
    for (const [index, operation] of planned) {
      const waitMs = startMs + operation.atMs - world.nowMs
      if (waitMs > 0) await world.sleep(waitMs)
      await this.#administrator.do(index, operation)
      const outcome = this.#history.calls.find(call => call.index === index)?.outcome.kind
      if (outcome === 'ok') probes.hit('admin-acknowledged')
      if (outcome === 'refused') probes.hit('admin-refused')
      if (outcome === 'indeterminate') probes.hit('admin-indeterminate')
    }
  }

  #isAtRest(): boolean {
    if (this.#missing().length > 0) return false
    return leftovers({ topics: this.#topics(), directories: this.#directories() }).length === 0
  }

  /** What topics lack to be whole, a sentence each. */
  #missing(): string[] {
    return this.#registrations().flatMap(({ topic, partitions }) =>
      partitions.flatMap((registration, partition) =>
        lacks(registration).map(lack => `${churnTopic(topic)}-${partition} ${lack}`),
      ),
    )
  }

  #topics(): ChurnedTopic[] {
    const configs = this.#options.cluster.image?.configs
    return this.#registrations().map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      replicas: partitions.map(({ replicas }) => replicas),
      configs: Object.fromEntries(configs?.topicConfigs(churnTopic(topic)) ?? []),
      logs: [],
    }))
  }

  #registrations(): { topic: number; topicId: string; partitions: readonly PartitionRegistration[] }[] {
    const numbers = new Set(this.#options.operations.map(({ topic }) => topic))
    return [...numbers]
      .sort((a, b) => a - b)
      .flatMap(topic => {
        const found = this.#options.cluster.image?.topics.getTopic(churnTopic(topic))
        if (found === undefined) return []
        const partitions = [...found.partitions].sort(([a], [b]) => a - b).map(([, registration]) => registration)
        return [{ topic, topicId: found.id, partitions }]
      })
  }

  async #read(topic: ChurnedTopic, isWhole: boolean): Promise<ChurnedTopic> {
    if (!isWhole) return topic
    const { world, cluster } = this.#options
    const process = world.host(`churn-reader-${topic.topic}`).process()
    const bootstrap = cluster.brokers.map(({ name: host, port }) => ({ host, port }))
    const partitions = topic.replicas.length
    const logs = await process.run(() => readLogs({ process, bootstrap, topic: churnTopic(topic.topic), partitions }))
    return { ...topic, logs }
  }

  #directories(): ChurnDirectory[] {
    return this.#options.cluster.brokers.flatMap(({ id: node, host: { disk } }) =>
      disk.list(DATA_DIRECTORY).flatMap(name => {
        const [, topic, partition] = DIRECTORY.exec(name) ?? []
        if (topic === undefined || partition === undefined || !name.startsWith(CHURN_PREFIX)) return []
        const text = disk.contents(`${DATA_DIRECTORY}/${name}/${PARTITION_METADATA_FILE_NAME}`)?.toString() ?? ''
        const topicId = /^topic_id: (.*)$/m.exec(text)?.[1]
        return [{ node, name, topic: Number(topic), partition: Number(partition), topicId }]
      }),
    )
  }
}

function lacks({ leader, replicas, isr, addingReplicas, removingReplicas }: PartitionRegistration): string[] {
  const absent = replicas.filter(id => !isr.includes(id))
  return [
    ...(leader < 0 ? ['has no leader'] : []),
    ...(absent.length > 0 ? [`has replicas that are not in sync: ${absent.join(', ')}`] : []),
    ...(addingReplicas.length + removingReplicas.length > 0 ? ['is still being reassigned'] : []),
  ]
}
