import { MessageCodec } from '../../../protocol/message-codec.ts'
import { ProtocolError } from '../../../protocol/protocol-error.ts'
import { Reader } from '../../../protocol/reader.ts'
import { array, int32, message, string } from '../../../protocol/schema.ts'
import type { TopicPartition } from '../../../protocol/topic-partition.ts'
import { Writer } from '../../../protocol/writer.ts'
import type { ConsumerGroupMetadata } from '../consumer-group-metadata.ts'
import type { Assignment, Subscription } from '../consumer-partition-assignor.ts'
import { flattenPartitions, partitionsByTopic } from '../partitions-by-topic.ts'
import { AbstractStickyAssignor, DEFAULT_GENERATION, type MemberData } from './abstract-sticky-assignor.ts'

/*
 * User data, which has no version of its own: what is too short for version 1 is read as version 0.
 *   previous_assignment => [topic [partitions]]
 *   generation (1) => INT32
 */
const USER_DATA = new MessageCodec(
  message({
    previousAssignment: array({ topic: string(), partitions: array(int32()) }),
    generation: int32({ since: 1, default: DEFAULT_GENERATION, ignorable: true }),
  }),
  { name: 'StickyAssignorUserData', flexibleSince: null },
)

/**
 * Balanced and sticky, with the eager protocol (Kafka's StickyAssignor): members give all partitions away before each
 * rebalance, but most come back. What a member had goes along in its user data.
 */
export class StickyAssignor extends AbstractStickyAssignor {
  readonly name = 'sticky'
  #assignment: readonly TopicPartition[] | undefined
  #generation = DEFAULT_GENERATION

  override onAssignment(assignment: Assignment, metadata: ConsumerGroupMetadata): void {
    this.#assignment = assignment.partitions
    this.#generation = metadata.generationId
  }

  override subscriptionUserData(): Buffer | null {
    if (this.#assignment === undefined) return null
    const writer = new Writer(64)
    const previousAssignment = partitionsByTopic(this.#assignment)
    USER_DATA.write(writer, 1, { previousAssignment, generation: this.#generation })
    return writer.finish()
  }

  protected memberData({ userData }: Subscription): MemberData {
    if (userData === null || userData.length === 0) return { partitions: [], generation: undefined }
    return readUserData(userData, 1) ?? readUserData(userData, 0) ?? { partitions: [], generation: DEFAULT_GENERATION }
  }
}

function readUserData(userData: Buffer, version: 0 | 1): MemberData | undefined {
  try {
    const { previousAssignment, generation } = USER_DATA.read(new Reader(userData), version)
    return { partitions: flattenPartitions(previousAssignment), generation: version === 1 ? generation : undefined }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
