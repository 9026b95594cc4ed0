import type { MetadataDelta } from '../../../../controller/image/metadata-delta.ts'
import { MetadataImage } from '../../../../controller/image/metadata-image.ts'
import type { Clock } from '../../../../runtime/runtime.ts'
import type { CoordinatorExecutor } from '../../../common/coordinator-executor.ts'
import { answer, type CoordinatorResult } from '../../../common/coordinator-result.ts'
import type { GroupCoordinatorConfig } from '../../group-coordinator-config.ts'
import type { ConsumerGroupRegularExpressionValue, GroupCoordinatorRecord } from '../../group-coordinator-records.ts'
import { computeMetadataHash } from '../metadata-hash.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerGroupMember, sameNames } from './consumer-group-member.ts'
import { groupEpochRecord, regularExpressionRecord, regularExpressionTombstone } from './consumer-group-records.ts'
import type { ConsumerGroups } from './consumer-groups.ts'
import { METADATA_REFRESH_INTERVAL_MS } from './group-epoch.ts'
import { membersWith } from './group-members.ts'
import { numSubscribedMembers, regexOf, subscribedRegularExpressions } from './regex-subscriptions.ts'
import { resolveRegularExpressions, throwIfRegularExpressionIsInvalid } from './topic-regex.ts'

/** Kafka's REGEX_BATCH_REFRESH_MIN_INTERVAL_MS. */
const REGEX_BATCH_REFRESH_MIN_INTERVAL_MS = 10_000

/**
 * Whether a heartbeat has changed the pattern that its member subscribes with; `resolved`: and what it stands for is known, so
 * that a new epoch of the group may begin.
 */
export type RegexChange = 'none' | 'unresolved' | 'resolved'

type Resolved = ReadonlyMap<string, ConsumerGroupRegularExpressionValue>

export interface RegularExpressionResolverOptions {
  readonly time: Clock
  readonly executor: CoordinatorExecutor<GroupCoordinatorRecord>
  readonly config: GroupCoordinatorConfig
  readonly groups: ConsumerGroups
}

/**
 * Finds the topics of the patterns that members of consumer groups subscribe with (KIP-848). All patterns of a group are
 * resolved together and beside the shard's turn, when a heartbeat shows that it is time: there is a new pattern, there are new
 * topics, or the last time is long ago. What has been found is written, and a new epoch of the group begins if it has changed.
 */
export class RegularExpressionResolver {
  readonly #time: Clock
  readonly #executor: CoordinatorExecutor<GroupCoordinatorRecord>
  readonly #config: GroupCoordinatorConfig
  readonly #groups: ConsumerGroups
  #image: MetadataImage = MetadataImage.EMPTY
  /** Version of the last image that had topics which the one before it had not. */
  #lastVersionWithNewTopics = -1

  constructor({ time, executor, config, groups }: RegularExpressionResolverOptions) {
    this.#time = time
    this.#executor = executor
    this.#config = config
    this.#groups = groups
  }

  onLoaded(image: MetadataImage): void {
    this.#image = image
    if (this.#lastVersionWithNewTopics === -1) this.#lastVersionWithNewTopics = image.offset
  }

  /** Topics that have been deleted stay in what was found until the next time; they are no more all the same. */
  onNewMetadataImage(image: MetadataImage, { topicsDelta }: MetadataDelta): void {
    this.#image = image
    if (this.#lastVersionWithNewTopics === -1) this.#lastVersionWithNewTopics = image.offset
    if ((topicsDelta?.createdTopicIds.length ?? 0) > 0) this.#lastVersionWithNewTopics = image.offset
  }

  /**
   * Looks at a member that was `before` and will be `after`, and lets the patterns of its group be resolved if that is due
   * (GroupMetadataManager.maybeUpdateRegularExpressions). Adds what must be written to forget a pattern that nobody uses.
   * @throws ApiError INVALID_REGULAR_EXPRESSION
   */
  update(
    group: ConsumerGroup,
    before: ConsumerGroupMember,
    after: ConsumerGroupMember,
    records: GroupCoordinatorRecord[],
  ): RegexChange {
    const oldRegex = regexOf(before)
    const newRegex = regexOf(after)
    let change: RegexChange = 'none'
    let isNew = false
    if ((before.subscribedTopicRegex ?? '') !== (after.subscribedTopicRegex ?? '')) {
      change = 'unresolved'
      if (oldRegex !== undefined && numSubscribedMembers(group, oldRegex) === 1) {
        records.push(regularExpressionTombstone(group.groupId, oldRegex))
      }
      if (newRegex === undefined) {
        change = 'resolved'
      } else if (numSubscribedMembers(group, newRegex) === 0) {
        throwIfRegularExpressionIsInvalid(newRegex)
        isNew = true
      } else if (group.resolvedRegularExpression(newRegex) !== undefined) {
        change = 'resolved'
      }
    }
    this.#maybeRefresh(group, after, isNew)
    return change
  }

  #maybeRefresh(group: ConsumerGroup, after: ConsumerGroupMember, isNew: boolean): void {
    const { groupId } = group
    const regexes = subscribedRegularExpressions(membersWith(group, after).values())
    const key = `${groupId}-regex`
    if (regexes.size === 0 || this.#executor.isScheduled(key)) return
    const resolved = group.resolvedRegularExpressions
    // They are resolved together, so that one stands for all.
    const [last] = resolved.values()
    const nowMs = this.#time.wallMs()
    if (last !== undefined && nowMs <= last.timestamp + REGEX_BATCH_REFRESH_MIN_INTERVAL_MS) return
    const isDue =
      isNew ||
      regexes.size !== resolved.size ||
      (last?.version ?? 0) < this.#lastVersionWithNewTopics ||
      (last !== undefined && nowMs > last.timestamp + this.#config.consumerGroupRegexRefreshIntervalMs)
    if (!isDue) return
    const image = this.#image
    this.#executor.schedule(
      key,
      () => resolve(regexes, image, this.#time.wallMs()),
      found => this.#onResolved(groupId, found),
    )
  }

  /** Writes what was found (GroupMetadataManager.handleRegularExpressionsResult). The group may be another one meanwhile. */
  #onResolved(groupId: string, found: Resolved): CoordinatorResult<void, GroupCoordinatorRecord> {
    const group = this.#groups.find(groupId)
    if (group === undefined) return answer(undefined)
    const records: GroupCoordinatorRecord[] = []
    let bumps = false
    for (const [regex, value] of found) {
      if (numSubscribedMembers(group, regex) === 0) continue
      if (!sameNames(group.resolvedRegularExpression(regex)?.topics ?? [], value.topics)) bumps = true
      records.push(regularExpressionRecord(groupId, regex, value))
    }
    const metadataHash = computeMetadataHash(subscribedTopics(group, found), this.#image)
    if (bumps || metadataHash !== group.metadataHash) {
      const groupEpoch = group.groupEpoch + 1
      records.push(groupEpochRecord(groupId, groupEpoch, metadataHash))
      group.setMetadataRefreshDeadline(this.#time.wallMs() + METADATA_REFRESH_INTERVAL_MS, groupEpoch)
    }
    return { records, response: undefined }
  }
}

function resolve(regexes: Iterable<string>, image: MetadataImage, timestamp: number): Resolved {
  const found = resolveRegularExpressions(regexes, [...image.topics.topicsByName.keys()])
  return new Map(
    [...found].map(([regex, topics]) => [regex, { topics: [...topics], version: image.offset, timestamp }]),
  )
}

/** What the group reads once this is written. */
function subscribedTopics(group: ConsumerGroup, found: Resolved): ReadonlySet<string> {
  return new Set(
    group.members.flatMap(member => {
      const regex = regexOf(member)
      const resolved = regex === undefined ? undefined : (found.get(regex) ?? group.resolvedRegularExpression(regex))
      return [...member.subscribedTopicNames, ...(resolved?.topics ?? [])]
    }),
  )
}
