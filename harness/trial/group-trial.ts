import type { ClosedMember, GroupEvidence, GroupRecovery } from '../checkers/group-evidence.ts'
import { GroupHistory } from '../history/group-history.ts'
import type { CreateConsumer } from '../workloads/clients/load.ts'
import { MemberHost } from '../workloads/member-host.ts'
import { Sink } from '../workloads/sink.ts'
import type { World } from '../world/world.ts'
import type { Cluster } from './cluster.ts'
import type { GroupReader } from './group-reader.ts'
import { type GroupSpec, groupIdOf } from './group-spec.ts'
import type { Probes } from './probes.ts'

/** A group that has not converged by then gets fresh clients: whoever runs it restarts what is stuck. */
const CLIENT_PATIENCE_MS = 60_000
const LOOK_MS = 500
/** Connections are closed by both ends after so long. */
const PARTING_MS = 1000
const QUIET_MS = 10_000

export interface GroupTrialOptions {
  readonly world: World
  /** Place of the group in the scenario. */
  readonly index: number
  readonly spec: GroupSpec
  readonly cluster: Cluster
  readonly reader: GroupReader
  readonly createConsumer: CreateConsumer
  readonly probes: Probes
  /** Adds to the story; `who` is the member. */
  readonly tell: (who: string, text: string) => void
}

/** A consumer group of a trial: its members on their machines, its sink, and what came of it. */
export class GroupTrial {
  readonly groupId: string
  readonly spec: GroupSpec
  readonly members: readonly MemberHost[]
  readonly #world: World
  readonly #cluster: Cluster
  readonly #reader: GroupReader
  readonly #history = new GroupHistory()

  constructor({ world, index, spec, cluster, reader, createConsumer, probes, tell }: GroupTrialOptions) {
    this.groupId = groupIdOf(index)
    this.spec = spec
    this.#world = world
    this.#cluster = cluster
    this.#reader = reader
    this.#watch(probes)
    const sink = new Sink(spec.sink)
    const redeploys = new RedeployCount(spec.members.length, probes)
    this.members = spec.members.map(({ instanceId }, member) => {
      const name = `${this.groupId}-member-${member}`
      const { bootstrap } = cluster
      const common = {
        clientId: name,
        groupId: this.groupId,
        bootstrap,
        topic: cluster.spec.topic.name,
        spec,
        instanceId,
      }
      return new MemberHost({
        name,
        groupId: this.groupId,
        host: world.host(name),
        history: this.#history,
        member,
        group: spec,
        sink,
        createClient: (runtime, listener) => createConsumer({ ...common, runtime, listener }),
        onRedeployed: () => redeploys.add(member),
        tell: text => tell(name, text),
      })
    })
  }

  /** Begins with what is planned; times count from now. */
  start(): void {
    for (const [index, member] of this.members.entries()) {
      const planned = this.spec.members[index]
      if (planned !== undefined) member.plan(planned)
    }
  }

  /** Starts every member that does not run. */
  heal(): void {
    for (const member of this.members) member.start()
  }

  /** Waits until every partition has an owner and every record is committed; members that are stuck get fresh clients. */
  async converge(limitMs: number): Promise<GroupRecovery> {
    const startMs = this.#world.nowMs
    let renewed = false
    for (;;) {
      const missing = await this.#missing()
      const tookMs = this.#world.nowMs - startMs
      if (missing.length === 0 || tookMs >= limitMs) return { converged: missing.length === 0, tookMs, missing }
      if (!renewed && tookMs >= CLIENT_PATIENCE_MS) {
        for (const member of this.members) member.renew()
        renewed = true
      }
      await this.#world.sleep(LOOK_MS)
    }
  }

  /** Closes all members, and sees what they leave behind. */
  async close(): Promise<ClosedMember[]> {
    return (await Promise.all(this.members.map(member => this.#closeMember(member)))).flat()
  }

  /** @param committed by partition; undefined when the coordinator did not say */
  evidence(recovery: GroupRecovery, committed: readonly number[] | undefined, closed: ClosedMember[]): GroupEvidence {
    const { partitions } = this.#cluster.spec.topic
    const { events, commits, dropped } = this.#history
    return {
      groupId: this.groupId,
      spec: this.spec,
      events,
      commits,
      dropped,
      committed: committed ?? new Array<undefined>(partitions).fill(undefined),
      recovery,
      closed,
    }
  }

  async #missing(): Promise<string[]> {
    const lacks = this.members.filter(({ running }) => !running).map(({ name }) => `${name} does not run`)
    const owners = this.members.flatMap(({ assignment }) => assignment?.partitions ?? [])
    for (let partition = 0; partition < this.#cluster.spec.topic.partitions; partition++) {
      const count = owners.filter(owned => owned === partition).length
      if (count !== 1) lacks.push(`partition ${partition} has ${count === 0 ? 'no owner' : `${count} owners`}`)
    }
    if (lacks.length > 0) return lacks
    const committed = await this.#reader.committed(this.groupId)
    if (committed === undefined) return ['its coordinator does not say what is committed']
    return committed.flatMap((offset, partition) => {
      const end = this.#endOf(partition)
      const lag = end > 0 && offset < end
      return lag
        ? [`partition ${partition} ends at ${end} and ${offset < 0 ? 'nothing' : `${offset}`} is committed`]
        : []
    })
  }

  /** The high watermark as the partition's leader has it. */
  #endOf(partition: number): number {
    const { name } = this.#cluster.spec.topic
    const replicas = this.#cluster.leaderOf(partition)?.replicas() ?? []
    const leading = replicas.find(replica => replica.topic === name && replica.partition === partition)
    return leading?.highWatermark ?? 0
  }

  async #closeMember(host: MemberHost): Promise<ClosedMember[]> {
    const { member, run } = host
    const closed: ClosedMember[] = []
    await host.retire(async process => {
      await this.#world.sleep(PARTING_MS)
      const before = process.timersFired
      await this.#world.sleep(QUIET_MS)
      const connections = [...host.host.kernel.endpoints].filter(endpoint => !endpoint.closed).length
      closed.push({ member, run, connections, timers: process.timersFired - before })
    })
    return closed
  }

  #watch(probes: Probes): void {
    const processed = new Set<string>()
    let generation = 0
    this.#history.onEvent = event => {
      if (event.kind === 'assigned' && event.generation > generation) {
        if (generation > 0) probes.hit('group-rebalanced')
        generation = event.generation
      }
      if (event.kind === 'handler-failed') probes.hit('handler-failed')
      if (event.kind !== 'processed') return
      const place = `${event.partition}/${event.offset}`
      if (processed.has(place)) probes.hit('record-reprocessed')
      processed.add(place)
    }
  }
}

/** Counts redeploys of members, and of the whole group: one is done when each member has come through one more. */
class RedeployCount {
  readonly #counts: number[]
  readonly #probes: Probes

  constructor(members: number, probes: Probes) {
    this.#counts = new Array<number>(members).fill(0)
    this.#probes = probes
  }

  add(member: number): void {
    const before = Math.min(...this.#counts)
    this.#counts[member] = (this.#counts[member] ?? 0) + 1
    this.#probes.hit('member-redeployed')
    if (Math.min(...this.#counts) > before) this.#probes.hit('group-redeployed')
  }
}
