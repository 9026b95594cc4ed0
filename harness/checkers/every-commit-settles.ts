import { atTime } from './describe.ts'
import type { Checker, Violation } from './evidence.ts'
import { commitText, judgedGroups, memberName, runKey } from './group-support.ts'

/**
 * Every commit that an application asks for settles (`commit-never-settles`), exactly once (`commit-settles-twice`), unless its
 * process was killed.
 */
export const everyCommitSettles: Checker = evidence =>
  judgedGroups(evidence).flatMap(group => {
    const killed = new Set(
      group.events.filter(event => event.kind === 'ended' && event.how === 'killed').map(event => runKey(event)),
    )
    return group.commits.flatMap((commit): Violation[] => {
      const what = `The commit of ${commitText(commit)} by ${memberName(group, commit)} at ${atTime(commit.invokedMs)}`
      if (commit.settled === 0 && !killed.has(runKey(commit))) {
        const message = `${what} was still open when the trial stopped waiting at ${atTime(evidence.endedMs)}.`
        return [{ guarantee: 'every-commit-settles', kind: 'commit-never-settles', message }]
      }
      if (commit.settled < 2) return []
      const message = `${what} settled ${commit.settled} times, first ${commit.outcome.kind}.`
      return [{ guarantee: 'every-commit-settles', kind: 'commit-settles-twice', message }]
    })
  })
