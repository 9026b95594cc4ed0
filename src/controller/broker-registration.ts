/** A listener under which a broker can be reached. */
export interface BrokerEndpoint {
  /** Listener name: `PLAINTEXT`. */
  readonly name: string
  readonly host: string
  readonly port: number
  /** Kafka's number of the security protocol; 0 is PLAINTEXT. */
  readonly securityProtocol: number
}

/** The lowest and highest level of a feature that a node supports. */
export interface SupportedVersionRange {
  readonly min: number
  readonly max: number
}

/** What the metadata log says about one broker. Never changed in place. */
export interface BrokerRegistration {
  readonly id: number
  /** Offset at which this incarnation registered; fences off requests of earlier incarnations. */
  readonly epoch: number
  /** Drawn by the broker process at its start. */
  readonly incarnationId: string
  /** By listener name. */
  readonly listeners: ReadonlyMap<string, BrokerEndpoint>
  readonly supportedFeatures: ReadonlyMap<string, SupportedVersionRange>
  readonly rack: string | null
  /** A fenced broker leads nothing and is in no ISR. */
  readonly fenced: boolean
  readonly inControlledShutdown: boolean
  /** Ids of the log directories that are available. */
  readonly directories: readonly string[]
}

/** Whether a broker can lead: neither fenced nor about to shut down. */
export function isActive(registration: BrokerRegistration | undefined): boolean {
  return registration !== undefined && !registration.fenced && !registration.inControlledShutdown
}
