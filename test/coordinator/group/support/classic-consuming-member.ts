import type { ClassicJoinAnswer, MixedGroupUnderTest } from './mixed-group-under-test.ts'

/**
 * A member of the classic protocol as an application runs it, which gives up everything before it joins again. As the leader of
 * a classic group it deals the partitions of `orders` out in turn.
 */
export class ClassicConsumingMember {
  coordinator: MixedGroupUnderTest
  #id = ''
  #epoch = -1
  #owned: readonly string[] = []
  #joining: ClassicJoinAnswer | undefined
  #syncing: ReturnType<MixedGroupUnderTest['classicSync']> | undefined

  constructor(coordinator: MixedGroupUnderTest) {
    this.coordinator = coordinator
  }

  /** What it reads now. */
  get owned(): readonly string[] {
    return this.#owned
  }

  /** Whether it is in the group, or about to be. */
  get isActive(): boolean {
    return this.#epoch >= 0 || this.#joining !== undefined
  }

  /** Does what is next: joins, hears what has come, syncs, or sends a heartbeat. */
  step(): void {
    if (this.#joining !== undefined) this.#hearJoin(this.#joining)
    else if (this.#syncing !== undefined) this.#hearSync(this.#syncing.answer)
    else if (this.#epoch < 0) this.#join()
    else this.#hear(this.coordinator.classicHeartbeat(this.#id, this.#epoch))
  }

  leave(): void {
    if (this.#epoch >= 0) this.coordinator.classicLeave({ memberId: this.#id })
    this.crash()
  }

  crash(): void {
    this.#forget()
    this.#id = ''
  }

  #join(): void {
    this.#forget()
    this.#joining = this.coordinator.classicJoin({ memberId: this.#id })
  }

  #hearJoin({ error, memberId, epoch, leader, members }: ClassicJoinAnswer): void {
    if (error === 'held') return
    this.#joining = undefined
    if (error === 'MEMBER_ID_REQUIRED') this.#id = memberId
    if (error !== 'NONE') {
      this.#hear(error)
      return
    }
    this.#id = memberId
    this.#epoch = epoch
    const dealt = leader === memberId ? this.#deal(members) : {}
    this.#syncing = this.coordinator.classicSync(memberId, epoch, dealt)
  }

  #hearSync(answer: readonly string[] | string | undefined): void {
    if (answer === undefined) return
    this.#syncing = undefined
    if (typeof answer === 'string') this.#hear(answer)
    else this.#owned = answer
  }

  /** An error makes it join again, with another id if its own is not known any more. */
  #hear(error: string): void {
    if (error === 'NONE') return
    if (error === 'UNKNOWN_MEMBER_ID') this.#id = ''
    this.#join()
  }

  #forget(): void {
    this.#epoch = -1
    this.#owned = []
    this.#joining = undefined
    this.#syncing = undefined
  }

  #deal(members: readonly string[]) {
    const total = this.coordinator.image.topics.getTopic('orders')?.partitions.size ?? 0
    const numbers = Array.from({ length: total }, (_, number) => number)
    return Object.fromEntries(
      members.map((id, index) => [id, { orders: numbers.filter(number => number % members.length === index) }]),
    )
  }
}
