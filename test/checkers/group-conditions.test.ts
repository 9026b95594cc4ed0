import { describe, expect, it } from 'vitest'
import { everyCommitSettles } from '../../harness/checkers/every-commit-settles.ts'
import { groupConverges } from '../../harness/checkers/group-converges.ts'
import { leavesNothing } from '../../harness/checkers/leaves-nothing.ts'
import { GroupScript, soundGroup } from './group-support.ts'
import { kinds } from './support.ts'

describe('group-converges', () => {
  it('tells what a group still lacks, and how long after healing', () => {
    const recovery = { converged: false, tookMs: 300_000, missing: ['partition 1 has no owner'] }

    expect(groupConverges(soundGroup().evidence(3, { recovery })).map(({ message }) => message)).toEqual([
      'All faults had ended at 900 ms, but of group-0 (kafkajs) 300000 ms later partition 1 has no owner.',
    ])
  })
})

describe('every-commit-settles', () => {
  it('tells of a commit that is open in the end', () => {
    const script = new GroupScript().started(0).assigned(0, 1, 0).processed(0, 0).commit(0, 1, 'pending')

    expect(kinds(everyCommitSettles(script.evidence(1)))).toEqual(['commit-never-settles'])
  })

  it('tells of a commit that settled twice', () => {
    const script = new GroupScript().started(0).assigned(0, 1, 0).processed(0, 0).commit(0, 1)
    const [commit] = script.history.commits
    if (commit !== undefined) script.history.settle(commit, { kind: 'ok', atMs: 9 })

    expect(kinds(everyCommitSettles(script.evidence(1)))).toEqual(['commit-settles-twice'])
  })

  it('expects nothing of a process that was killed', () => {
    const script = new GroupScript().started(0).assigned(0, 1, 0).processed(0, 0).commit(0, 1, 'pending').killed(0)

    expect(everyCommitSettles(script.evidence(1))).toEqual([])
  })
})

describe('leaves-nothing', () => {
  it('tells of connections and timers that a closed member left', () => {
    const closed = [{ member: 0, run: 2, connections: 1, timers: 100 }]

    expect(leavesNothing(soundGroup().evidence(3, { closed })).map(({ message }) => message)).toEqual([
      'member 0 of group-0 (start 2) (kafkajs) was closed, but 1 connection stayed open.',
      'member 0 of group-0 (start 2) (kafkajs) was closed, but its timers fired 100 times in the ten seconds after.',
    ])
  })
})
