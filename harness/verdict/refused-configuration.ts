/**
 * A configuration that Kafka itself refuses: nothing can be put on trial. Its message is one line and ends with Kafka's own
 * error.
 */
export class RefusedConfiguration extends Error {
  override readonly name = 'RefusedConfiguration'
  /** Kafka's name for the error: `ConfigException`, `INVALID_REPLICATION_FACTOR`. */
  readonly error: string

  constructor(error: string, message: string) {
    super(`Kafka refuses this configuration with ${error}: ${message}`)
    this.error = error
  }
}
