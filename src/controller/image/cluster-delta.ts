import type { BrokerRegistration } from '../broker-registration.ts'
import type {
  BrokerRegistrationChangeRecord,
  MetadataRecord,
  RegisterBrokerRecord,
  UnregisterBrokerRecord,
} from '../metadata-records.ts'
import { MetadataReplayError } from '../metadata-replay-error.ts'
import { ClusterImage } from './cluster-image.ts'
import { sortedMap } from './sorted-map.ts'

/** The records about brokers. */
export type ClusterRecord = Extract<
  MetadataRecord,
  { type: 'RegisterBrokerRecord' | 'UnregisterBrokerRecord' | 'BrokerRegistrationChangeRecord' }
>

/** What has changed of the brokers since an image. */
export class ClusterDelta {
  readonly image: ClusterImage
  readonly #changed = new Map<number, BrokerRegistration | undefined>()

  constructor(image: ClusterImage) {
    this.image = image
  }

  /** New state by broker id; undefined for a broker that was removed. */
  get changedBrokers(): ReadonlyMap<number, BrokerRegistration | undefined> {
    return this.#changed
  }

  broker(id: number): BrokerRegistration | undefined {
    return this.#changed.has(id) ? this.#changed.get(id) : this.image.brokers.get(id)
  }

  /** Throws MetadataReplayError when the record names a broker or an epoch that is not registered. */
  replay(record: ClusterRecord): void {
    if (record.type === 'RegisterBrokerRecord') this.#replayRegisterBroker(record.data)
    else if (record.type === 'UnregisterBrokerRecord') this.#replayUnregisterBroker(record.data)
    else this.#replayBrokerRegistrationChange(record.data)
  }

  apply(): ClusterImage {
    const brokers = new Map(this.image.brokers)
    for (const [id, broker] of this.#changed) {
      if (broker === undefined) brokers.delete(id)
      else brokers.set(id, broker)
    }
    return new ClusterImage(sortedMap(brokers))
  }

  #replayRegisterBroker(record: RegisterBrokerRecord): void {
    this.#changed.set(record.brokerId, {
      id: record.brokerId,
      epoch: record.brokerEpoch,
      incarnationId: record.incarnationId,
      listeners: new Map(record.endPoints.map(endPoint => [endPoint.name, endPoint])),
      supportedFeatures: new Map(
        record.features.map(({ name, minSupportedVersion: min, maxSupportedVersion: max }) => [name, { min, max }]),
      ),
      rack: record.rack,
      fenced: record.fenced,
      inControlledShutdown: record.inControlledShutdown,
      directories: record.logDirs,
    })
  }

  #replayUnregisterBroker(record: UnregisterBrokerRecord): void {
    this.#existing(record.brokerId, record.brokerEpoch, 'UnregisterBrokerRecord')
    this.#changed.set(record.brokerId, undefined)
  }

  #replayBrokerRegistrationChange(record: BrokerRegistrationChangeRecord): void {
    const type = 'BrokerRegistrationChangeRecord'
    const current = this.#existing(record.brokerId, record.brokerEpoch, type)
    if (record.fenced < -1 || record.fenced > 1) {
      throw new MetadataReplayError(
        type,
        `fenced is ${record.fenced}, must be -1 (unfenced), 0 (as before) or 1 (fenced)`,
      )
    }
    if (record.inControlledShutdown !== 0 && record.inControlledShutdown !== 1) {
      throw new MetadataReplayError(type, `inControlledShutdown is ${record.inControlledShutdown}, must be 0 or 1`)
    }
    this.#changed.set(record.brokerId, {
      ...current,
      fenced: record.fenced === 0 ? current.fenced : record.fenced === 1,
      inControlledShutdown: record.inControlledShutdown === 1 || current.inControlledShutdown,
      directories: record.logDirs.length === 0 ? current.directories : record.logDirs,
    })
  }

  #existing(id: number, epoch: number, recordType: string): BrokerRegistration {
    const current = this.broker(id)
    if (current === undefined) throw new MetadataReplayError(recordType, `broker ${id} is not registered`)
    if (current.epoch !== epoch) {
      throw new MetadataReplayError(recordType, `broker ${id} has epoch ${current.epoch}, the record says ${epoch}`)
    }
    return current
  }
}
