/** In which generation of its group a member is, and as whom. */
export interface Generation {
  readonly generationId: number
  readonly memberId: string
  /** The assignor that the group has chosen. */
  readonly protocolName: string | undefined
}

export const NO_GENERATION: Generation = { generationId: -1, memberId: '', protocolName: undefined }

/**
 * `unjoined`: no member. `preparing-rebalance`: JoinGroup is sent. `completing-rebalance`: it was answered, SyncGroup is not
 * yet. `stable`: the assignment is there.
 */
export type MembershipState = 'unjoined' | 'preparing-rebalance' | 'completing-rebalance' | 'stable'

export function isSameGeneration(one: Generation, other: Generation): boolean {
  return (
    one.generationId === other.generationId &&
    one.memberId === other.memberId &&
    one.protocolName === other.protocolName
  )
}

/** Where a member stands with its group (the state of Kafka's AbstractCoordinator). */
export class MemberState {
  state: MembershipState = 'unjoined'
  generation: Generation = NO_GENERATION
  /** Whether partitions are still to be given away before it joins again. */
  needsJoinPrepare = true
  /** On the monotonic clock; undefined: no rebalance is going on. */
  rebalanceStartMs: number | undefined
  /** Of the last one that succeeded. */
  rebalanceEndMs: number | undefined
  #rejoinNeeded = true
  #rejoinReason = ''

  get rejoinNeeded(): boolean {
    return this.#rejoinNeeded
  }

  /** Why it joins again; empty the first time. */
  get rejoinReason(): string {
    return this.#rejoinReason
  }

  get hasNotJoinedGroup(): boolean {
    return this.state === 'unjoined' || this.state === 'preparing-rebalance'
  }

  get isRebalanceInProgress(): boolean {
    return this.state === 'preparing-rebalance' || this.state === 'completing-rebalance'
  }

  get generationIfStable(): Generation | undefined {
    return this.state === 'stable' ? this.generation : undefined
  }

  /** Whether it was thrown out since it joined. */
  get hasGenerationReset(): boolean {
    return this.generation.generationId === NO_GENERATION.generationId && this.generation.protocolName === undefined
  }

  /** Partitions it had belong to others now. */
  get isNoMember(): boolean {
    const { generationId, memberId } = this.generation
    return generationId === NO_GENERATION.generationId || memberId === NO_GENERATION.memberId
  }

  requestRejoin(reason: string): void {
    this.#rejoinReason = reason
    this.#rejoinNeeded = true
  }

  requestRejoinIfNecessary(reason: string): void {
    if (!this.#rejoinNeeded) this.requestRejoin(reason)
  }

  /** The group has thrown it out, or it leaves. */
  resetAndRejoin(reason: string, resetMemberId: boolean): void {
    this.state = 'unjoined'
    this.generation = resetMemberId ? NO_GENERATION : { ...NO_GENERATION, memberId: this.generation.memberId }
    this.requestRejoin(reason)
    this.needsJoinPrepare = true
  }

  /** The assignment has come. */
  stable(nowMs: number): void {
    this.state = 'stable'
    this.#rejoinReason = ''
    this.#rejoinNeeded = false
    this.rebalanceEndMs = nowMs
  }
}
