import { describe, expect, it } from 'vitest'
import { parseMutant } from '../../harness/mutants/mutant.ts'
import { PatchError } from '../../harness/mutants/patch-error.ts'

const DIFF = ['--- a/src/log/x.ts', '+++ b/src/log/x.ts', '@@ -1 +1 @@', '-a', '+b', '']
const HEAD = [
  'Id: R1',
  'Title: A follower cuts its log',
  ' where it must not',
  'Reference: KIP-101',
  'Caught-by: no-loss, trial',
  'Explore: --faults kill,pause --acks all',
  '',
]

function parse(head: readonly string[], diff: readonly string[] = DIFF): ReturnType<typeof parseMutant> {
  return parseMutant([...head, ...diff].join('\n'), 'R1.patch')
}

describe('parseMutant', () => {
  it('reads fields, continued lines and the diff', () => {
    expect(parse(HEAD)).toMatchObject({
      id: 'R1',
      title: 'A follower cuts its log where it must not',
      reference: 'KIP-101',
      caughtBy: ['no-loss', 'trial'],
      explore: ['--faults', 'kill,pause', '--acks', 'all'],
      patches: [{ path: 'src/log/x.ts' }],
    })
  })

  it('takes no flags when it is looked for in any trial', () => {
    expect(parse([...HEAD.filter(line => !line.startsWith('Explore')), 'Explore:', '']).explore).toEqual([])
  })

  it.each([
    ['a missing field', HEAD.slice(1), DIFF, 'R1.patch: has no field Id'],
    ['a field that it does not know', ['Idea: R1', ...HEAD], DIFF, 'has the line "Idea: R1", expected Id, Title'],
    ['a field twice', ['Id: R2', ...HEAD], DIFF, 'once each'],
    [
      'a checker that there is not',
      HEAD.join('\n').replace('trial', 'magic').split('\n'),
      DIFF,
      '"magic", which is no guarantee',
    ],
    ['no diff', HEAD, [], 'has no diff'],
    [
      'a change outside of src/',
      HEAD,
      DIFF.join('\n').replaceAll('src/log/', 'harness/').split('\n'),
      'expected a file of src/',
    ],
    ['a damaged diff', HEAD, [...DIFF.slice(0, 3), 'a', ''], 'R1.patch: line 10 is "@@ -1 +1 @@"'],
  ])('refuses %s', (_, head, diff, message) => {
    expect(() => parse(head, diff)).toThrow(PatchError)
    expect(() => parse(head, diff)).toThrow(message)
  })
})
