import { describe, expect, it } from 'vitest'
import { check } from '../../harness/checkers/index.ts'
import type { GuaranteeName } from '../../harness/trial/scenario.ts'
import { GroupScript, soundGroup } from './group-support.ts'
import { PRODUCER, scenarioOf } from './support.ts'

const OF_GROUPS: readonly GuaranteeName[] = [
  'at-least-once',
  'at-most-once',
  'effectively-once',
  'one-owner',
  'only-owned-records',
  'commits-not-beyond-processed',
  'commits-stay',
  'fenced-commits-refused',
  'group-order',
  'rereads-from-commit',
  'group-converges',
  'every-commit-settles',
  'leaves-nothing',
]

describe('the checkers of groups', () => {
  it('are all content with a group that does what it should, through the death of a member', () => {
    const evidence = { ...soundGroup().evidence(3), scenario: scenarioOf([PRODUCER], OF_GROUPS) }

    expect(check(evidence)).toEqual([])
  })

  it('judge nothing of what members did when not all of it could be written down', () => {
    const script = new GroupScript().started(0).assigned(0, 1, 0).processed(0, 2).commit(0, 3)
    const evidence = { ...script.evidence(0, { dropped: 1 }), scenario: scenarioOf([PRODUCER], OF_GROUPS) }

    expect(check(evidence)).toEqual([])
  })
})
