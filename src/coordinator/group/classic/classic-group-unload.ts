import { ErrorCode } from '../../../protocol/errors.ts'
import type { ClassicGroup } from './classic-group.ts'
import { joinError, syncError } from './classic-group-answers.ts'

/** The group is coordinated elsewhere now: it is dead here, and whoever waits is told to look for the coordinator. */
export function unloadClassicGroup(group: ClassicGroup): void {
  group.transitionTo('Dead')
  answerWaitingMembers(group, ErrorCode.NOT_COORDINATOR)
}

/** Whoever waits for the answer to a JoinGroup or SyncGroup gets this error. */
export function answerWaitingMembers(group: ClassicGroup, errorCode: ErrorCode): void {
  for (const member of group.members) {
    group.completeJoin(member, joinError(errorCode, member.memberId))
    group.completeSync(member, syncError(errorCode))
  }
}
