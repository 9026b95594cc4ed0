import { IllegalStateException } from '../errors.ts'
import type { LeaderAndEpoch } from '../metadata.ts'
import type { AutoOffsetResetStrategy } from './auto-offset-reset-strategy.ts'
import { type FetchPosition, isSameLeader } from './fetch-position.ts'

/**
 * Where a partition stands on its way to being read (SubscriptionState.FetchStates). `initializing`: the committed offset is
 * not known yet. `await-reset`: its offset is asked for by the reset strategy. `await-validation`: its leader changed, and is
 * asked whether its log still holds the position (KIP-320).
 */
export type FetchState = 'initializing' | 'fetching' | 'await-reset' | 'await-validation'

/** What a consumer keeps of an assigned partition (SubscriptionState.TopicPartitionState). Times are monotonic. */
export class TopicPartitionState {
  #fetchState: FetchState = 'initializing'
  #position: FetchPosition | undefined
  #resetStrategy: AutoOffsetResetStrategy | undefined
  #nextRetryMs = Number.NEGATIVE_INFINITY
  #highWatermark: number | undefined
  #lastStableOffset: number | undefined
  #preferredReadReplica: { readonly id: number; readonly expiresMs: number } | undefined
  logStartOffset: number | undefined
  paused = false
  pendingRevocation = false
  /** The application has not heard of it yet. */
  pendingOnAssignedCallback = false
  endOffsetRequested = false

  get position(): FetchPosition | undefined {
    return this.#position
  }

  get resetStrategy(): AutoOffsetResetStrategy | undefined {
    return this.#resetStrategy
  }

  get highWatermark(): number | undefined {
    return this.#highWatermark
  }

  set highWatermark(offset: number) {
    this.#highWatermark = offset
    this.endOffsetRequested = false
  }

  get lastStableOffset(): number | undefined {
    return this.#lastStableOffset
  }

  set lastStableOffset(offset: number) {
    this.#lastStableOffset = offset
    this.endOffsetRequested = false
  }

  get hasValidPosition(): boolean {
    return this.#fetchState === 'fetching'
  }

  get awaitingReset(): boolean {
    return this.#fetchState === 'await-reset'
  }

  get awaitingValidation(): boolean {
    return this.#fetchState === 'await-validation'
  }

  get shouldInitialize(): boolean {
    return this.#fetchState === 'initializing' && !this.pendingRevocation && !this.pendingOnAssignedCallback
  }

  get isFetchable(): boolean {
    return !this.paused && !this.pendingRevocation && !this.pendingOnAssignedCallback && this.hasValidPosition
  }

  awaitingRetryBackoff(nowMs: number): boolean {
    return nowMs < this.#nextRetryMs
  }

  setNextAllowedRetry(nextRetryMs: number): void {
    this.#nextRetryMs = nextRetryMs
  }

  reset(strategy: AutoOffsetResetStrategy): void {
    this.#fetchState = 'await-reset'
    this.#position = undefined
    this.#resetStrategy = strategy
    this.#nextRetryMs = Number.NEGATIVE_INFINITY
  }

  seekValidated(position: FetchPosition): void {
    this.#moveTo('fetching', position)
    this.#resetStrategy = undefined
  }

  /** The position is to be validated with its leader, if its epochs are known. */
  seekUnvalidated(position: FetchPosition): void {
    this.seekValidated(position)
    this.#validate(position)
  }

  /** Reading went on. @throws IllegalStateException without a valid position before */
  advance(position: FetchPosition): void {
    if (!this.hasValidPosition) throw new IllegalStateException('a position goes on from a valid one only')
    this.#position = position
  }

  /** The leader may have changed; whether the position must be validated. */
  maybeValidatePosition(leader: LeaderAndEpoch): boolean {
    if (this.awaitingReset || leader.leader === undefined) return false
    if (this.#position !== undefined && !isSameLeader(this.#position.currentLeader, leader)) {
      this.#validate({ ...this.#position, currentLeader: leader })
      this.#preferredReadReplica = undefined
    }
    return this.awaitingValidation
  }

  /** The leader is one that cannot be asked. */
  updateLeaderWithoutValidation(leader: LeaderAndEpoch): void {
    if (this.#position !== undefined) this.#moveTo('fetching', { ...this.#position, currentLeader: leader })
  }

  completeValidation(): void {
    if (this.#position !== undefined) this.#moveTo('fetching', this.#position)
  }

  /** The replica that the leader told to read from (KIP-392). */
  preferredReadReplica(nowMs: number): number | undefined {
    if (this.#preferredReadReplica !== undefined && nowMs > this.#preferredReadReplica.expiresMs) {
      this.#preferredReadReplica = undefined
    }
    return this.#preferredReadReplica?.id
  }

  updatePreferredReadReplica(id: number, expiresMs: number): void {
    if (this.#preferredReadReplica?.id !== id) this.#preferredReadReplica = { id, expiresMs }
  }

  /** The one that was set. */
  clearPreferredReadReplica(): number | undefined {
    const id = this.#preferredReadReplica?.id
    this.#preferredReadReplica = undefined
    return id
  }

  #validate(position: FetchPosition): void {
    const isNeeded = position.offsetEpoch !== undefined && position.currentLeader.epoch !== undefined
    this.#moveTo(isNeeded ? 'await-validation' : 'fetching', position)
  }

  #moveTo(state: 'fetching' | 'await-validation', position: FetchPosition): void {
    // While a reset is awaited, only the reset itself or a seek ends it.
    if (state === 'await-validation' && this.awaitingReset) return
    this.#fetchState = state
    this.#position = position
    this.#nextRetryMs = Number.NEGATIVE_INFINITY
  }
}
