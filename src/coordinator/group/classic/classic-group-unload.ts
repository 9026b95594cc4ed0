import { ErrorCode } from '../../../protocol/errors.ts'
import type { ClassicGroup } from './classic-group.ts'
import { joinError, syncError } from './classic-group-answers.ts'

/** The group is coordinated elsewhere now: it is dead here, and whoever waits is told to look for the coordinator. */
export function unloadClassicGroup(group: ClassicGroup): void {
  group.transitionTo('Dead')
  for (const member of group.members) {
    group.completeJoin(member, joinError(ErrorCode.NOT_COORDINATOR, member.memberId))
    group.completeSync(member, syncError(ErrorCode.NOT_COORDINATOR))
  }
}
