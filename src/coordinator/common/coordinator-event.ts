/** Something to be done with one shard, in turn with the shard's other events (Kafka's CoordinatorEvent). */
export interface CoordinatorEvent {
  /** The shard: events of one key run one after the other. */
  readonly key: string
  run(): Promise<void> | void
  /** Ends the event without running it, or after running it has failed. */
  complete(error: Error): void
}
