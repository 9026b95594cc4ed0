import { ApiError, ErrorCode } from '../protocol/errors.ts'
import type { RandomStream } from '../runtime/runtime.ts'

/** A broker that may get replicas. */
export interface UsableBroker {
  readonly id: number
  readonly rack: string | null
  readonly fenced: boolean
}

/**
 * Chooses brokers for new partitions: round-robin over the racks and over the brokers of each rack, from a random start,
 * fenced brokers last and never first in a list. Kafka's StripedReplicaPlacer.
 */
export class StripedReplicaPlacer {
  readonly #random: RandomStream

  constructor(random: RandomStream) {
    this.#random = random
  }

  /**
   * The replicas of each partition, the preferred leader first. Throws INVALID_REPLICATION_FACTOR when there are not
   * enough brokers, or all are fenced.
   */
  place(partitions: number, replicationFactor: number, brokers: readonly UsableBroker[]): number[][] {
    if (replicationFactor < 1) {
      throw invalid(`Invalid replication factor ${replicationFactor}: the replication factor must be positive.`)
    }
    if (brokers.every(broker => broker.fenced)) throw invalid('All brokers are currently fenced.')
    if (replicationFactor > brokers.length) {
      throw invalid(
        `The target replication factor of ${replicationFactor} cannot be reached because only ${brokers.length} ` +
          'broker(s) are registered.',
      )
    }
    const racks = new RackList(this.#random, brokers)
    return Array.from({ length: partitions }, () => racks.place(replicationFactor))
  }
}

function invalid(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_REPLICATION_FACTOR, message)
}

function shuffle<T>(items: T[], random: RandomStream): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = random.int(0, last)
    const [a, b] = [items[last], items[other]]
    if (a === undefined || b === undefined) continue
    items[last] = b
    items[other] = a
  }
}

/** Brokers in turn: each round (an epoch) begins one further than the round before. */
class BrokerList {
  readonly #brokers: number[]
  #index = 0
  #offset: number
  #epoch = 0

  constructor(brokers: readonly number[], random: RandomStream) {
    this.#brokers = brokers.toSorted((a, b) => a - b)
    this.#offset = brokers.length === 0 ? 0 : random.int(0, brokers.length - 1)
  }

  shuffle(random: RandomStream): void {
    shuffle(this.#brokers, random)
  }

  /** Undefined when the round has had them all. */
  next(epoch: number): number | undefined {
    if (this.#brokers.length === 0) return undefined
    if (this.#epoch !== epoch) {
      this.#epoch = epoch
      this.#index = 0
      this.#offset = (this.#offset + 1) % this.#brokers.length
    }
    if (this.#index >= this.#brokers.length) return undefined
    const broker = this.#brokers[(this.#index + this.#offset) % this.#brokers.length]
    this.#index++
    return broker
  }
}

class Rack {
  readonly #fenced: BrokerList
  readonly #unfenced: BrokerList

  constructor(brokers: readonly UsableBroker[], random: RandomStream) {
    const ids = (fenced: boolean) => brokers.filter(broker => broker.fenced === fenced).map(broker => broker.id)
    this.#fenced = new BrokerList(ids(true), random)
    this.#unfenced = new BrokerList(ids(false), random)
  }

  shuffle(random: RandomStream): void {
    this.#fenced.shuffle(random)
    this.#unfenced.shuffle(random)
  }

  nextUnfenced(epoch: number): number | undefined {
    return this.#unfenced.next(epoch)
  }

  next(epoch: number): number | undefined {
    return this.#unfenced.next(epoch) ?? this.#fenced.next(epoch)
  }
}

class RackList {
  readonly #random: RandomStream
  readonly #racks: Rack[]
  readonly #unfencedCount: number
  #epoch = 0
  #offset: number

  constructor(random: RandomStream, brokers: readonly UsableBroker[]) {
    this.#random = random
    this.#unfencedCount = brokers.filter(broker => !broker.fenced).length
    const byRack = new Map<string, UsableBroker[]>()
    for (const broker of brokers) {
      const name = broker.rack === null ? '' : `rack ${broker.rack}`
      const rack = byRack.get(name)
      if (rack === undefined) byRack.set(name, [broker])
      else rack.push(broker)
    }
    const names = [...byRack.keys()].sort()
    this.#racks = names.map(name => new Rack(byRack.get(name) ?? [], random))
    this.#offset = random.int(0, this.#racks.length - 1)
  }

  /** `replicationFactor` is at most the number of brokers, and one of them is not fenced. */
  place(replicationFactor: number): number[] {
    if (this.#epoch === this.#unfencedCount && this.#unfencedCount > 1) {
      // All assignments of this order were given out once: another order avoids repeating them.
      shuffle(this.#racks, this.#random)
      for (const rack of this.#racks) rack.shuffle(this.#random)
      this.#epoch = 0
    }
    if (this.#offset >= this.#racks.length) this.#offset = 0
    const { leader, leaderRack } = this.#placeLeader()
    const replicas = [leader]
    let skipRack = leaderRack
    let rackIndex = this.#offset
    while (replicas.length < replicationFactor) {
      // The leader's rack is passed over once, so that the next replica stands in another rack if there is one.
      if (rackIndex === skipRack) skipRack = -1
      else {
        const replica = this.#racks[rackIndex]?.next(this.#epoch)
        if (replica !== undefined) replicas.push(replica)
      }
      rackIndex = (rackIndex + 1) % this.#racks.length
    }
    this.#epoch++
    this.#offset++
    return replicas
  }

  #placeLeader(): { leader: number; leaderRack: number } {
    for (let tried = 0; tried < this.#racks.length; tried++) {
      const leaderRack = (this.#offset + tried) % this.#racks.length
      const leader = this.#racks[leaderRack]?.nextUnfenced(this.#epoch)
      if (leader !== undefined) return { leader, leaderRack }
    }
    throw new Error('no unfenced broker to place a leader on')
  }
}
