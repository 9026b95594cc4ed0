/** What decides about a member of a group (Kafka's GroupRebalanceConfig). Times in milliseconds. */
export interface GroupRebalanceConfig {
  readonly groupId: string
  readonly groupInstanceId: string | undefined
  /** `session.timeout.ms` */
  readonly sessionTimeoutMs: number
  /** `max.poll.interval.ms`: for so long others wait for a member in a rebalance. */
  readonly rebalanceTimeoutMs: number
  /** `heartbeat.interval.ms` */
  readonly heartbeatIntervalMs: number
  /** `client.rack`; undefined: none. */
  readonly rackId: string | undefined
  readonly retryBackoffMs: number
}
