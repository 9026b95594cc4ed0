import type { ConsumerGroupUnderTest, HeartbeatAnswer } from './consumer-group-under-test.ts'

/** A member as an application runs it: it has what it was given until it has been told to give it up and says so. */
export class ConsumingMember {
  coordinator: ConsumerGroupUnderTest
  readonly #id: string
  #epoch = 0
  #owned: readonly string[] = []
  #told: readonly string[] = []
  #topics: readonly string[] = ['orders']

  constructor(coordinator: ConsumerGroupUnderTest, id: string) {
    this.coordinator = coordinator
    this.#id = id
  }

  /** What it reads now. */
  get owned(): readonly string[] {
    return this.#owned
  }

  /** Whether it is in the group. */
  get isActive(): boolean {
    return this.#epoch > 0
  }

  heartbeat(arrives = true): void {
    const owned = this.#owned.map(partition => partition.split('-'))
    const byTopic = Object.fromEntries(
      this.#topics
        .concat('orders', 'bills')
        .map(topic => [topic, owned.filter(([name]) => name === topic).map(([, number]) => Number(number))]),
    )
    // By saying what it has it gives up what it was told and has not begun to read.
    this.#told = this.#owned
    const joins = this.#epoch === 0
    const answer = this.coordinator.heartbeat(this.#id, this.#epoch, {
      topics: this.#topics,
      rebalanceTimeoutMs: 1_000_000,
      owned: joins ? {} : byTopic,
    })
    if (arrives) this.#hear(answer)
  }

  /** It does what it was last told: what it is to have no more it gives up, then it begins to read what is new. */
  reconcile(): void {
    this.#owned = this.#told
  }

  subscribe(topics: readonly string[]): void {
    this.#topics = topics
  }

  leave(): void {
    if (this.#epoch > 0) this.coordinator.heartbeat(this.#id, -1)
    this.#abandon()
  }

  crash(): void {
    this.#abandon()
  }

  #hear({ error, epoch, partitions }: HeartbeatAnswer): void {
    if (error !== 'NONE') {
      this.#abandon()
      return
    }
    this.#epoch = epoch
    if (partitions === undefined) return
    this.#told = partitions
  }

  #abandon(): void {
    this.#epoch = 0
    this.#owned = []
    this.#told = []
  }
}
