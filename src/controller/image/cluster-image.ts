import { type BrokerRegistration, isActive } from '../broker-registration.ts'

/** All brokers at one offset of the metadata log. Never changed in place. */
export class ClusterImage {
  static readonly EMPTY: ClusterImage = new ClusterImage(new Map())

  /** By broker id, ascending. */
  readonly brokers: ReadonlyMap<number, BrokerRegistration>

  constructor(brokers: ReadonlyMap<number, BrokerRegistration>) {
    this.brokers = brokers
  }

  broker(id: number): BrokerRegistration | undefined {
    return this.brokers.get(id)
  }

  /** The broker's epoch, or -1 when it is not registered. */
  brokerEpoch(id: number): number {
    return this.brokers.get(id)?.epoch ?? -1
  }

  /** Whether the broker can lead: registered, not fenced, not shutting down. */
  isActive(id: number): boolean {
    return isActive(this.brokers.get(id))
  }

  /** Brokers that are not fenced, ascending by id. */
  aliveBrokers(): BrokerRegistration[] {
    return [...this.brokers.values()].filter(broker => !broker.fenced)
  }
}
