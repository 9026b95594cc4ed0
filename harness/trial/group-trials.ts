import type { GroupEvidence } from '../checkers/group-evidence.ts'
import type { CreateConsumer } from '../workloads/clients/load.ts'
import type { MemberHost } from '../workloads/member-host.ts'
import type { World } from '../world/world.ts'
import type { Cluster } from './cluster.ts'
import { GroupReader } from './group-reader.ts'
import type { ConsumerClientName, GroupSpec } from './group-spec.ts'
import { GroupTrial } from './group-trial.ts'
import type { Probes } from './probes.ts'

/** The coordinator answers within this time in a cluster that is whole. */
const ANSWER_LIMIT_MS = 60_000
const RETRY_MS = 500

export interface GroupTrialsOptions {
  readonly world: World
  readonly groups: readonly GroupSpec[]
  readonly cluster: Cluster
  readonly createConsumer: ReadonlyMap<ConsumerClientName, CreateConsumer>
  readonly probes: Probes
  readonly tell: (who: string, text: string) => void
}

/** The consumer groups of a trial; nothing at all, not even a machine, when there are none. */
export class GroupTrials {
  readonly #world: World
  readonly #groups: readonly GroupTrial[]
  readonly #reader: GroupReader | undefined

  constructor({ groups, createConsumer, ...shared }: GroupTrialsOptions) {
    const { world, cluster } = shared
    this.#world = world
    const reader = groups.length === 0 ? undefined : readerOf(world, cluster)
    this.#reader = reader
    this.#groups = groups.map((spec, index) => {
      const create = createConsumer.get(spec.client)
      if (reader === undefined || create === undefined) throw new RangeError(`no consumer is known as ${spec.client}`)
      return new GroupTrial({ ...shared, index, spec, reader, createConsumer: create })
    })
  }

  /** Of all groups, in order. */
  get members(): readonly MemberHost[] {
    return this.#groups.flatMap(({ members }) => members)
  }

  start(): void {
    for (const group of this.#groups) group.start()
  }

  heal(): void {
    for (const group of this.#groups) group.heal()
  }

  /** Waits until every group has converged or its time is up, closes all members and asks what is committed in the end. */
  async settle(limitMs: number): Promise<GroupEvidence[]> {
    return await Promise.all(
      this.#groups.map(async group => {
        const recovery = await group.converge(limitMs)
        const closed = await group.close()
        return group.evidence(recovery, await this.#committed(group), closed)
      }),
    )
  }

  async #committed({ groupId }: GroupTrial): Promise<readonly number[] | undefined> {
    const endMs = this.#world.nowMs + ANSWER_LIMIT_MS
    for (;;) {
      const committed = await this.#reader?.committed(groupId)
      if (committed !== undefined || this.#world.nowMs >= endMs) return committed
      await this.#world.sleep(RETRY_MS)
    }
  }
}

function readerOf(world: World, cluster: Cluster): GroupReader {
  const { name: topic, partitions } = cluster.spec.topic
  const bootstrap = cluster.brokers.map(({ name: host, port }) => ({ host, port }))
  return new GroupReader({ process: world.host('group-reader').process(), bootstrap, topic, partitions })
}
