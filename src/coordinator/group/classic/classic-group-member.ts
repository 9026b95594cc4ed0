import type { JoinGroupRequest, JoinGroupResponseInput } from '../../../protocol/apis/join-group.ts'
import type { SyncGroupResponseInput } from '../../../protocol/apis/sync-group.ts'

/** A protocol that a member offers: an assignor's name and what the member says to it. */
export type JoinGroupProtocol = JoinGroupRequest['protocols'][number]

/** No assignment. */
export const EMPTY_ASSIGNMENT: Buffer = Buffer.alloc(0)

export interface ClassicGroupMemberOptions {
  readonly memberId: string
  /** Undefined: a dynamic member. */
  readonly groupInstanceId: string | undefined
  readonly clientId: string
  /** The client's address as Kafka writes it: `/127.0.0.1`. */
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly protocolType: string
  /** In the member's order of preference. */
  readonly supportedProtocols: readonly JoinGroupProtocol[]
  readonly assignment?: Buffer
}

/** A member in the answer to DescribeGroups. */
export interface DescribedClassicGroupMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly memberMetadata: Buffer
  readonly memberAssignment: Buffer
}

/**
 * A member of a classic group (Kafka's ClassicGroupMember). It keeps what of its group is written, and what it waits for:
 * the answers to its JoinGroup and its SyncGroup.
 */
export class ClassicGroupMember {
  readonly memberId: string
  readonly groupInstanceId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  readonly protocolType: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  assignment: Buffer
  /** Gives the answer to the JoinGroup that is held; undefined when none is. */
  awaitingJoin: ((response: JoinGroupResponseInput) => void) | undefined
  /** Gives the answer to the SyncGroup that is held; undefined when none is. */
  awaitingSync: ((response: SyncGroupResponseInput) => void) | undefined
  /** Whether its first JoinGroup is still held: it does not know its id, so it cannot send heartbeats. */
  isNew = false
  #supportedProtocols: readonly JoinGroupProtocol[]

  constructor(options: ClassicGroupMemberOptions) {
    this.memberId = options.memberId
    this.groupInstanceId = options.groupInstanceId
    this.clientId = options.clientId
    this.clientHost = options.clientHost
    this.protocolType = options.protocolType
    this.rebalanceTimeoutMs = options.rebalanceTimeoutMs
    this.sessionTimeoutMs = options.sessionTimeoutMs
    this.assignment = options.assignment ?? EMPTY_ASSIGNMENT
    this.#supportedProtocols = kept(options.supportedProtocols)
  }

  get isStaticMember(): boolean {
    return this.groupInstanceId !== undefined
  }

  get isAwaitingJoin(): boolean {
    return this.awaitingJoin !== undefined
  }

  get isAwaitingSync(): boolean {
    return this.awaitingSync !== undefined
  }

  get hasAssignment(): boolean {
    return this.assignment.length > 0
  }

  get supportedProtocols(): readonly JoinGroupProtocol[] {
    return this.#supportedProtocols
  }

  set supportedProtocols(protocols: readonly JoinGroupProtocol[]) {
    this.#supportedProtocols = kept(protocols)
  }

  /**
   * Whether the member has shown that it lives: one whose request is held does so, except a new one, which may have given
   * up already.
   */
  get hasSatisfiedHeartbeat(): boolean {
    return !this.isNew && (this.isAwaitingJoin || this.isAwaitingSync)
  }

  /** The same member under another id, waiting for nothing. */
  withId(memberId: string): ClassicGroupMember {
    const { groupInstanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocolType } = this
    const { supportedProtocols, assignment } = this
    return new ClassicGroupMember({
      memberId,
      groupInstanceId,
      clientId,
      clientHost,
      rebalanceTimeoutMs,
      sessionTimeoutMs,
      protocolType,
      supportedProtocols,
      assignment,
    })
  }

  /** What the member says to a protocol. @throws RangeError when it does not offer it */
  metadata(protocolName: string): Buffer {
    const protocol = this.#supportedProtocols.find(({ name }) => name === protocolName)
    if (protocol === undefined)
      throw new RangeError(`member ${this.memberId} does not support protocol ${protocolName}`)
    return protocol.metadata
  }

  /** Whether these are the member's protocols, with the same metadata in the same order. */
  matches(protocols: readonly JoinGroupProtocol[]): boolean {
    return (
      protocols.length === this.#supportedProtocols.length &&
      this.#supportedProtocols.every(({ name, metadata }, index) => {
        const other = protocols[index]
        return other !== undefined && other.name === name && other.metadata.equals(metadata)
      })
    )
  }

  /** The protocol that the member likes best among the candidates. @throws RangeError when it offers none of them */
  vote(candidates: ReadonlySet<string>): string {
    const protocol = this.#supportedProtocols.find(({ name }) => candidates.has(name))
    if (protocol === undefined) {
      throw new RangeError(`member ${this.memberId} supports none of the protocols ${[...candidates].join(', ')}`)
    }
    return protocol.name
  }

  /** As DescribeGroups shows it. `protocolName`: the group's protocol, to show what the member says to it. */
  describe(protocolName?: string): DescribedClassicGroupMember {
    return {
      memberId: this.memberId,
      groupInstanceId: this.groupInstanceId ?? null,
      clientId: this.clientId,
      clientHost: this.clientHost,
      memberMetadata: protocolName === undefined ? EMPTY_ASSIGNMENT : this.metadata(protocolName),
      memberAssignment: this.assignment,
    }
  }
}

/** Bytes of a request are views of its frame, which must not live as long as a member does. */
function kept(protocols: readonly JoinGroupProtocol[]): readonly JoinGroupProtocol[] {
  return protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }))
}
