import { ErrorCode } from '../../../../src/protocol/errors.ts'
import {
  GroupManagerUnderTest,
  type Held,
  type HeldJoin,
  type HeldSync,
  protocols,
} from './group-manager-under-test.ts'

/** What one client does. */
type Act =
  | { readonly do: 'join'; readonly client: number; readonly newMetadata: boolean }
  | { readonly do: 'sync' | 'heartbeat' | 'leave' | 'restart' | 'give up waiting'; readonly client: number }

export type Command =
  | Act
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'everybody joins' }
  | { readonly do: 'everybody syncs' }
  | { readonly do: 'hold appends' }
  | { readonly do: 'commit' }
  | { readonly do: 'fail appends' }

export interface ClientKind {
  readonly isStatic: boolean
  readonly apiVersion: number
}

/** Longer than all timeouts together. */
const LONG_MS = 10_000_000
const PARTITIONS = 6

interface Client extends ClientKind {
  readonly groupInstanceId: string | null
  memberId: string
  generationId: number
  metadata: number
  /** Member ids that it is to assign partitions to; undefined: it does not lead. */
  toAssign: readonly string[] | undefined
  waiting:
    | { readonly kind: 'join'; readonly held: HeldJoin }
    | { readonly kind: 'sync'; readonly held: HeldSync }
    | undefined
}

/** Clients of one group, of which static ones may share a name, each doing what it is told if the protocol lets it, and what must hold meanwhile. */
export class ManyClients {
  readonly violations: string[] = []
  failedSyncs = 0
  readonly #coordinator = new GroupManagerUnderTest()
  readonly #clients: Client[]
  /** Who led, by generation. */
  readonly #leaders = new Map<number, string>()
  /** Owner by partition, by generation. */
  readonly #owners = new Map<number, Map<string, string>>()
  readonly #requests: {
    readonly held: Held<{ readonly errorCode: number }>
    readonly what: string
    abandoned: boolean
  }[] = []

  constructor(kinds: readonly ClientKind[]) {
    this.#clients = kinds.map((kind, index) => ({
      ...kind,
      groupInstanceId: kind.isStatic ? `static-${index % 3}` : null,
      memberId: '',
      generationId: -1,
      metadata: 0,
      toAssign: undefined,
      waiting: undefined,
    }))
  }

  get generationsWithSeveralOwners(): number {
    return [...this.#owners.values()].filter(owners => new Set(owners.values()).size > 1).length
  }

  /** Requests that were answered so, heard or not. */
  get fenced(): number {
    return this.#requests.filter(({ held }) => held.response?.errorCode === ErrorCode.FENCED_INSTANCE_ID).length
  }

  perform(command: Command): void {
    if (command.do === 'advance') {
      // A batch is written before time passes, or it has failed.
      this.#coordinator.commit()
      this.#coordinator.advance(command.ms)
    } else if (command.do === 'hold appends') {
      this.#coordinator.holdAppends = true
    } else if (command.do === 'commit') {
      this.#coordinator.holdAppends = false
      this.#coordinator.commit()
    } else if (command.do === 'fail appends') {
      this.#coordinator.failAppends()
    } else if (command.do === 'everybody joins' || command.do === 'everybody syncs') {
      const act = command.do === 'everybody joins' ? 'join' : 'sync'
      for (const client of this.#clients.keys()) this.perform({ do: act, client, newMetadata: false })
    } else {
      const client = this.#clients[command.client]
      if (client !== undefined) this.#act(client, command)
    }
    for (const client of this.#clients) this.#hear(client)
  }

  /** All clients fall silent; time passes until nothing is left to happen. */
  end(): void {
    this.#coordinator.holdAppends = false
    this.#coordinator.commit()
    this.#coordinator.advance(LONG_MS)
    for (const client of this.#clients) this.#hear(client)
    for (const { held, what, abandoned } of this.#requests) {
      if (held.times > 1) this.violations.push(`${what} was answered ${held.times} times`)
      if (held.times === 0 && !abandoned) this.violations.push(`${what} was never answered`)
    }
    const { keys } = this.#coordinator.timer
    if (keys.length > 0) this.violations.push(`timers are left: ${keys.join(', ')}`)
    this.#checkLog()
  }

  #checkLog(): void {
    let generation = 0
    for (const record of this.#coordinator.log) {
      if (record.type !== 'GroupMetadata' || record.value === null) continue
      if (record.value.generation < generation)
        this.violations.push(`generation ${record.value.generation} after ${generation}`)
      generation = record.value.generation
    }
    // That the last member is gone may not be in the log, when it could not be written; then its session ends once more.
    const after = this.#coordinator.failover()
    after.advance(LONG_MS)
    if (after.timer.keys.length > 0)
      this.violations.push(`timers are left after a failover: ${after.timer.keys.join(', ')}`)
  }

  #act(client: Client, command: Act): void {
    switch (command.do) {
      case 'join':
        if (client.waiting === undefined) this.#join(client, command.newMetadata)
        break
      case 'sync':
        if (client.waiting === undefined && client.generationId >= 0) this.#sync(client)
        break
      case 'heartbeat':
        this.#coordinator.heartbeat(client.memberId, client.generationId, client.groupInstanceId)
        break
      case 'leave':
        if (client.memberId !== '') this.#leave(client)
        break
      case 'restart':
        this.#giveUpWaiting(client)
        this.#forget(client)
        break
      case 'give up waiting':
        this.#giveUpWaiting(client)
        break
    }
  }

  #join(client: Client, newMetadata: boolean): void {
    if (newMetadata) client.metadata += 1
    const held = this.#coordinator.join({
      memberId: client.memberId,
      groupInstanceId: client.groupInstanceId,
      apiVersion: client.apiVersion,
      protocols: protocols(['range'], [`topic-${client.metadata}`]),
    })
    this.#requests.push({ held, what: `the join ${this.#requests.length} of ${nameOf(client)}`, abandoned: false })
    client.waiting = { kind: 'join', held }
  }

  #sync(client: Client): void {
    const { memberId, generationId, groupInstanceId, toAssign } = client
    const assignments: Record<string, string> = {}
    for (const [index, member] of (toAssign ?? []).entries()) {
      const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition)
      assignments[member] = partitions.filter(partition => partition % (toAssign?.length ?? 1) === index).join(',')
    }
    const held = this.#coordinator.sync({ memberId, generationId, groupInstanceId, assignments })
    this.#requests.push({ held, what: `the sync ${this.#requests.length} of ${nameOf(client)}`, abandoned: false })
    client.waiting = { kind: 'sync', held }
  }

  #leave(client: Client): void {
    try {
      const { memberId, groupInstanceId } = client
      this.#coordinator.leave([groupInstanceId === null ? memberId : { memberId, groupInstanceId }])
    } catch {
      // There is no such group: it was never written.
    }
    this.#giveUpWaiting(client)
    this.#forget(client)
  }

  #giveUpWaiting(client: Client): void {
    for (const request of this.#requests) if (request.held === client.waiting?.held) request.abandoned = true
    client.waiting = undefined
  }

  #forget(client: Client): void {
    client.memberId = ''
    client.generationId = -1
    client.toAssign = undefined
  }

  #hear(client: Client): void {
    const { waiting } = client
    if (waiting?.held.response === undefined) return
    client.waiting = undefined
    if (waiting.kind === 'join') this.#hearJoin(client, waiting.held)
    else this.#hearSync(client, waiting.held)
  }

  #hearJoin(client: Client, { response }: HeldJoin): void {
    if (response === undefined) return
    const { errorCode, memberId, generationId = -1, leader, members = [], skipAssignment = false } = response
    if (errorCode === ErrorCode.MEMBER_ID_REQUIRED) client.memberId = memberId
    else if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID || errorCode === ErrorCode.FENCED_INSTANCE_ID)
      this.#forget(client)
    if (errorCode !== ErrorCode.NONE) return
    client.memberId = memberId
    client.generationId = generationId
    client.toAssign = undefined
    if (leader !== memberId) return
    this.#checkLeader(generationId, nameOf(client))
    if (!skipAssignment) client.toAssign = members.map(member => member.memberId).sort()
  }

  #checkLeader(generationId: number, name: string): void {
    const before = this.#leaders.get(generationId) ?? name
    if (before !== name) this.violations.push(`generation ${generationId} was led by ${before} and ${name}`)
    this.#leaders.set(generationId, before)
  }

  #hearSync(client: Client, { response }: HeldSync): void {
    if (response === undefined) return
    if (response.errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE) this.failedSyncs += 1
    if (response.errorCode !== ErrorCode.NONE) {
      client.generationId = -1
      return
    }
    const owners = this.#owners.get(client.generationId) ?? new Map<string, string>()
    this.#owners.set(client.generationId, owners)
    for (const partition of Buffer.from(response.assignment)
      .toString()
      .split(',')
      .filter(text => text !== '')) {
      const owner = owners.get(partition) ?? nameOf(client)
      if (owner !== nameOf(client)) {
        this.violations.push(
          `partition ${partition} had two owners in generation ${client.generationId}: ${owner}, ${nameOf(client)}`,
        )
      }
      owners.set(partition, owner)
    }
  }
}

function nameOf(client: Client): string {
  return client.groupInstanceId ?? client.memberId
}
