import { ApiError, ErrorCode } from '../../../../protocol/errors.ts'
import type { ConsumerGroup } from './consumer-group.ts'

/** @throws ApiError GROUP_MAX_SIZE_REACHED for one who is no member when there are `maxSize` already */
export function throwIfGroupIsFull(group: ConsumerGroup, memberId: string, maxSize: number): void {
  if (group.numMembers < maxSize || group.hasMember(memberId)) return
  throw new ApiError(
    ErrorCode.GROUP_MAX_SIZE_REACHED,
    `The consumer group has reached its maximum capacity of ${maxSize} members.`,
  )
}
