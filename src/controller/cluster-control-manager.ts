import { ApiError, ErrorCode } from '../protocol/errors.ts'
import type { Clock } from '../runtime/runtime.ts'
import { BrokerHeartbeatManager } from './broker-heartbeat-manager.ts'
import type { BrokerRegistration } from './broker-registration.ts'
import type { BrokerRegistrationReply, BrokerRegistrationRequest } from './controller-channel.ts'
import type { ControllerResult } from './controller-result.ts'
import type { ControllerState } from './controller-state.ts'
import { DirectoryId, isOnlineDirectory, isReservedDirectory } from './directory-id.ts'
import type { FeatureControlManager } from './feature-control-manager.ts'
import { METADATA_VERSION_FEATURE } from './image/features-image.ts'
import type { MetadataRecord, RegisterBrokerRecord } from './metadata-records.ts'
import type { UsableBroker } from './striped-replica-placer.ts'

export interface ClusterControlOptions {
  readonly clusterId: string
  /** `broker.session.timeout.ms`. */
  readonly sessionTimeoutMs: number
  /** The records that take a broker, of which a new process has come, out of ISR, and unless it ended cleanly, out of ELR. */
  readonly shutdownRecords: (brokerId: number, isCleanShutdown: boolean) => MetadataRecord[]
}

/** Who belongs to the cluster, and who is alive. Kafka's class of the same name. */
export class ClusterControlManager {
  readonly #clock: Clock
  readonly #state: ControllerState
  readonly #features: FeatureControlManager
  readonly #options: ClusterControlOptions
  #heartbeats: BrokerHeartbeatManager | undefined

  constructor(clock: Clock, state: ControllerState, features: FeatureControlManager, options: ClusterControlOptions) {
    this.#clock = clock
    this.#state = state
    this.#features = features
    this.#options = options
  }

  /** This controller has become active: every unfenced broker gets a fresh session. */
  activate(): void {
    const heartbeats = new BrokerHeartbeatManager(this.#clock, this.#options.sessionTimeoutMs)
    for (const { id, epoch, fenced } of this.#state.current.cluster.brokers.values()) {
      heartbeats.register(id, fenced)
      // A fenced broker has nothing to lose by a session that it has not: it need not be fenced (KAFKA-19130).
      if (!fenced) heartbeats.updateContactTime(id, epoch)
    }
    this.#heartbeats = heartbeats
  }

  deactivate(): void {
    this.#heartbeats = undefined
  }

  /** Only while this controller is active. */
  get heartbeatManager(): BrokerHeartbeatManager {
    if (this.#heartbeats === undefined) throw new ApiError(ErrorCode.NOT_CONTROLLER, 'this controller is not active')
    return this.#heartbeats
  }

  get isActive(): boolean {
    return this.#heartbeats !== undefined
  }

  registration(brokerId: number): BrokerRegistration | undefined {
    return this.#state.current.cluster.broker(brokerId)
  }

  /** Throws STALE_BROKER_EPOCH unless the broker is registered in this very epoch. */
  checkBrokerEpoch(brokerId: number, brokerEpoch: number): BrokerRegistration {
    const registration = this.registration(brokerId)
    if (registration === undefined) {
      throw new ApiError(ErrorCode.STALE_BROKER_EPOCH, `No broker registration found for broker id ${brokerId}`)
    }
    if (registration.epoch !== brokerEpoch) {
      throw new ApiError(
        ErrorCode.STALE_BROKER_EPOCH,
        `Expected broker epoch ${registration.epoch}, but got broker epoch ${brokerEpoch}`,
      )
    }
    return registration
  }

  /** Brokers that new replicas may be placed on: all that are not shutting down. */
  usableBrokers(): UsableBroker[] {
    return [...this.#state.current.cluster.brokers.values()]
      .filter(({ id }) => !this.heartbeatManager.isShuttingDown(id))
      .map(({ id, rack, fenced }) => ({ id, rack, fenced }))
  }

  /** The directory of a new replica: the broker's only one, or "the broker shall choose". */
  defaultDirectory(brokerId: number): string {
    const [first, second] = this.registration(brokerId)?.directories ?? []
    return first !== undefined && second === undefined ? first : DirectoryId.UNASSIGNED
  }

  /** Whether a replica in this directory of the broker can be used, as far as the broker has said. */
  hasOnlineDirectory(brokerId: number, directory: string): boolean {
    const registration = this.registration(brokerId)
    return registration !== undefined && isOnlineDirectory(directory, registration.directories)
  }

  /** A broker has been heard of: its session begins anew, even if its heartbeat waits for its turn. */
  trackBrokerHeartbeat(brokerId: number, brokerEpoch: number): void {
    if (this.#heartbeats !== undefined && this.registration(brokerId)?.epoch === brokerEpoch) {
      this.#heartbeats.updateContactTime(brokerId, brokerEpoch)
    }
  }

  /** Throws ApiError when the broker may not join, or not yet: DUPLICATE_BROKER_REGISTRATION can be tried again. */
  registerBroker(request: BrokerRegistrationRequest): ControllerResult<BrokerRegistrationReply> {
    const { clusterId } = this.#options
    if (request.clusterId !== clusterId) {
      throw new ApiError(
        ErrorCode.INCONSISTENT_CLUSTER_ID,
        `Expected cluster ID ${clusterId}, but got cluster ID ${request.clusterId}`,
      )
    }
    const existing = this.registration(request.brokerId)
    const sameIncarnation = existing?.incarnationId === request.incarnationId
    if (existing !== undefined && !sameIncarnation) this.#checkNotAlive(existing)
    this.#checkDirectories(request)
    this.#checkFeatures(request)
    const records: MetadataRecord[] = []
    const isCleanShutdown = existing !== undefined && request.previousBrokerEpoch === existing.epoch
    if (!sameIncarnation) records.push(...this.#options.shutdownRecords(request.brokerId, isCleanShutdown))
    const data = this.#registrationRecord(request, sameIncarnation ? existing : undefined)
    records.push({ type: 'RegisterBrokerRecord', data })
    return { records, response: { brokerEpoch: data.brokerEpoch } }
  }

  /** Brings the sessions in line with records that were appended. */
  afterReplay(records: readonly MetadataRecord[]): void {
    const heartbeats = this.#heartbeats
    if (heartbeats === undefined) return
    for (const { type, data } of records) {
      if (type === 'RegisterBrokerRecord') {
        heartbeats.remove(data.brokerId)
        heartbeats.register(data.brokerId, data.fenced)
      } else if (type === 'UnregisterBrokerRecord') {
        heartbeats.remove(data.brokerId)
      } else if (type === 'BrokerRegistrationChangeRecord') {
        const registration = this.registration(data.brokerId)
        if (registration !== undefined) heartbeats.register(registration.id, registration.fenced)
      }
    }
  }

  /**
   * While the old process may still be alive, a new one has to wait: until a session timeout after the last heartbeat, also
   * after a shutdown, whose last heartbeat began a session, too. Kafka 4.2 looks at nothing but the session. An exception for
   * brokers in controlled shutdown (KAFKA-19047) was taken back before 4.1, as who ends a controlled shutdown is fenced and
   * no longer in it. What came of it (KAFKA-19130): a new active controller grants a session to unfenced brokers only, so
   * that after a restart of everything who had left cleanly registers at once.
   */
  #checkNotAlive(existing: BrokerRegistration): void {
    if (!this.heartbeatManager.hasValidSession(existing.id, existing.epoch)) return
    throw new ApiError(
      ErrorCode.DUPLICATE_BROKER_REGISTRATION,
      'Another broker is registered with that broker id. If the broker was recently restarted this should ' +
        "self-resolve once the heartbeat manager expires the broker's session.",
    )
  }

  #checkDirectories({ brokerId, logDirs }: BrokerRegistrationRequest): void {
    const invalid = (problem: string) => new ApiError(ErrorCode.INVALID_REGISTRATION, problem)
    if (logDirs.length === 0) throw invalid('No directories specified in request')
    if (logDirs.some(isReservedDirectory)) throw invalid('Reserved directory ID in request')
    if (new Set(logDirs).size !== logDirs.length) throw invalid('Duplicate directory ID in request')
    for (const other of this.#state.current.cluster.brokers.values()) {
      const shared = other.id === brokerId ? undefined : logDirs.find(id => other.directories.includes(id))
      if (shared !== undefined) throw invalid(`Broker ${other.id} is already registered with directory ${shared}`)
    }
  }

  #checkFeatures(request: BrokerRegistrationRequest): void {
    const supported = new Map(request.features.map(feature => [feature.name, feature]))
    if (!supported.has(METADATA_VERSION_FEATURE)) {
      throw new ApiError(
        ErrorCode.INVALID_REGISTRATION,
        `Request features do not contain '${METADATA_VERSION_FEATURE}'`,
      )
    }
    for (const [name, level] of this.#features.finalizedFeatures) {
      // Who does not name a feature does not know it.
      const { minSupportedVersion: min = 0, maxSupportedVersion: max = 0 } = supported.get(name) ?? {}
      if (level < min || level > max) {
        throw new ApiError(
          ErrorCode.UNSUPPORTED_VERSION,
          `Unable to register because the broker does not support finalized version ${level} of ${name}. The broker ` +
            `wants a version between ${min} and ${max}, inclusive.`,
        )
      }
    }
  }

  #registrationRecord(
    request: BrokerRegistrationRequest,
    amended: BrokerRegistration | undefined,
  ): RegisterBrokerRecord {
    return {
      brokerId: request.brokerId,
      isMigratingZkBroker: false,
      incarnationId: request.incarnationId,
      brokerEpoch: amended?.epoch ?? this.#state.nextWriteOffset,
      endPoints: request.listeners,
      features: request.features,
      rack: request.rack,
      fenced: amended?.fenced ?? true,
      inControlledShutdown: amended?.inControlledShutdown ?? false,
      logDirs: request.logDirs,
    }
  }
}
