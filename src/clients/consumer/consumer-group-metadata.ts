/** A consumer's place in its group: what a transactional producer sends along with offsets (KIP-447). */
export interface ConsumerGroupMetadata {
  readonly groupId: string
  /** −1: in no generation. */
  readonly generationId: number
  /** Empty: no member. */
  readonly memberId: string
  readonly groupInstanceId: string | undefined
}
