import { counted } from './describe.ts'
import type { Checker } from './evidence.ts'
import { memberName } from './group-support.ts'

/** A consumer that was closed leaves no connection open (`connection-left-open`) and no timer that fires (`timer-left`). */
export const leavesNothing: Checker = ({ groups }) =>
  groups.flatMap(group =>
    group.closed.flatMap(closed => {
      const who = `${memberName(group, closed)} (${group.spec.client}) was closed`
      const left = (kind: string, what: string) => ({
        guarantee: 'leaves-nothing' as const,
        kind,
        message: `${who}, but ${what}.`,
      })
      return [
        ...(closed.connections === 0
          ? []
          : [left('connection-left-open', `${counted(closed.connections, 'connection')} stayed open`)]),
        ...(closed.timers === 0
          ? []
          : [left('timer-left', `its timers fired ${closed.timers} times in the ten seconds after`)]),
      ]
    }),
  )
