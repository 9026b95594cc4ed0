import { ElectionType, type ElectLeadersRequest, type ElectLeadersResponse } from '../protocol/apis/elect-leaders.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { tooManyRecords } from './configuration-control-manager.ts'
import { type ControllerResult, MAX_RECORDS_PER_USER_OP } from './controller-result.ts'
import type { ControllerState } from './controller-state.ts'
import type { TopicImage } from './image/topics-image.ts'
import type { MetadataRecord } from './metadata-records.ts'
import type { PartitionChanges, PartitionOfTopic } from './partition-changes.ts'
import { hasPreferredLeader, NO_LEADER } from './partition-registration.ts'

type TopicElectionResult = ElectLeadersResponse['replicaElectionResults'][number]

/** How many leaders change at once by the controller's own doing. */
const MAX_ELECTIONS_PER_IMBALANCE = 1000

/** Elections that someone has asked for, and those that the controller holds of itself from time to time. Part of Kafka's ReplicationControlManager. */
export class ElectionControl {
  readonly #state: ControllerState
  readonly #changes: PartitionChanges

  constructor(state: ControllerState, changes: PartitionChanges) {
    this.#state = state
    this.#changes = changes
  }

  /** Throws INVALID_REQUEST for an unknown kind; errors of one partition stand in the response. */
  electLeaders(request: ElectLeadersRequest): ControllerResult<ElectLeadersResponse> {
    const { electionType, topicPartitions } = request
    if (electionType !== ElectionType.PREFERRED && electionType !== ElectionType.UNCLEAN) {
      throw new ApiError(ErrorCode.INVALID_REQUEST, `Unknown election type ${electionType}`)
    }
    const records: MetadataRecord[] = []
    const results: TopicElectionResult[] = []
    if (topicPartitions === null) {
      for (const topic of this.#state.current.topics.topicsById.values()) {
        const all = this.#electIn(topic.name, [...topic.partitions.keys()], electionType, records)
        // Who names no partition is not told of those that have the wanted leader.
        const told = all.filter(({ errorCode }) => errorCode !== ErrorCode.ELECTION_NOT_NEEDED)
        results.push({ topic: topic.name, partitionResult: told })
      }
    } else {
      for (const { topic, partitions } of topicPartitions) {
        results.push({ topic, partitionResult: this.#electIn(topic, partitions, electionType, records) })
      }
    }
    return {
      records,
      response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, replicaElectionResults: results },
    }
  }

  /** Gives partitions back to their preferred leaders, as far as these are in sync. True: there may be more to do. */
  maybeBalancePartitionLeaders(): ControllerResult<boolean> {
    const records: MetadataRecord[] = []
    for (const present of this.#partitions()) {
      if (hasPreferredLeader(present.partition)) continue
      this.#elect(present, 'preferred', records)
      if (records.length >= MAX_ELECTIONS_PER_IMBALANCE) return { records, response: true }
    }
    return { records, response: false }
  }

  /** Elects anybody for partitions without a leader, where the topic allows it. True: there may be more to do. */
  maybeElectUncleanLeaders(): ControllerResult<boolean> {
    const records: MetadataRecord[] = []
    for (const present of this.#partitions()) {
      if (present.partition.leader !== NO_LEADER) continue
      if (!this.#changes.uncleanElectionEnabled(present.topic.name)) continue
      this.#elect(present, 'unclean', records)
      if (records.length >= MAX_ELECTIONS_PER_IMBALANCE) return { records, response: true }
    }
    return { records, response: false }
  }

  #electIn(
    name: string,
    partitions: readonly number[],
    electionType: number,
    records: MetadataRecord[],
  ): TopicElectionResult['partitionResult'][number][] {
    const topic = this.#state.current.topics.getTopic(name)
    return partitions.map(partitionId => {
      const error = this.#electLeader(name, topic, partitionId, electionType, records)
      if (records.length > MAX_RECORDS_PER_USER_OP) throw tooManyRecords()
      return { partitionId, errorCode: error?.code ?? ErrorCode.NONE, errorMessage: error?.message ?? null }
    })
  }

  #electLeader(
    name: string,
    topic: TopicImage | undefined,
    partitionId: number,
    electionType: number,
    records: MetadataRecord[],
  ): ApiError | undefined {
    if (topic === undefined) return new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `No such topic as ${name}`)
    const partition = topic.partitions.get(partitionId)
    if (partition === undefined) {
      return new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `No such partition as ${name}-${partitionId}`)
    }
    const preferred = electionType === ElectionType.PREFERRED
    if (preferred ? hasPreferredLeader(partition) : partition.leader !== NO_LEADER) {
      return new ApiError(ErrorCode.ELECTION_NOT_NEEDED)
    }
    if (this.#elect({ topic, partitionId, partition }, preferred ? 'preferred' : 'unclean', records)) return undefined
    return new ApiError(preferred ? ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE : ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE)
  }

  /** Whether anything changes. */
  #elect(present: PartitionOfTopic, election: 'preferred' | 'unclean', records: MetadataRecord[]): boolean {
    const data = this.#changes.build(present, { election })
    if (data === undefined) return false
    records.push({ type: 'PartitionChangeRecord', data })
    return true
  }

  *#partitions(): Generator<PartitionOfTopic> {
    for (const topic of this.#state.current.topics.topicsById.values()) {
      for (const [partitionId, partition] of topic.partitions) yield { topic, partitionId, partition }
    }
  }
}
