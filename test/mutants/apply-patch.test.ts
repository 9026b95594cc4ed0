import { describe, expect, it } from 'vitest'
import { applyPatch } from '../../harness/mutants/apply-patch.ts'
import { PatchError } from '../../harness/mutants/patch-error.ts'
import { parseUnifiedDiff } from '../../harness/mutants/unified-diff.ts'

const SOURCE = ['a', 'b', 'c', 'd', 'e', 'b', 'f', ''].join('\n')

function diff(...lines: readonly string[]): string {
  return ['--- a/src/x.ts', '+++ b/src/x.ts', ...lines, ''].join('\n')
}

function apply(...lines: readonly string[]): string {
  const [patch] = parseUnifiedDiff(diff(...lines))
  if (patch === undefined) throw new Error('no patch was read')
  return applyPatch(SOURCE, patch)
}

describe('applyPatch', () => {
  it('changes, adds and removes lines, in several hunks', () => {
    const patched = apply(
      '@@ -1,2 +1,2 @@',
      ' a',
      '-b',
      '+B',
      '@@ -4,2 +4,3 @@ in d()',
      ' d',
      '+and',
      ' e',
      '@@ -7 +8,0 @@',
      '-f',
    )
    expect(patched).toBe(['a', 'B', 'c', 'd', 'and', 'e', 'b', ''].join('\n'))
  })

  it('finds a hunk wherever its lines have moved to', () => {
    expect(apply('@@ -100,2 +100,2 @@', ' e', '-b', '+B')).toBe(['a', 'b', 'c', 'd', 'e', 'B', 'f', ''].join('\n'))
  })

  it('names the hunk whose lines have changed, with the first line that it would remove', () => {
    const changed = (): string => apply('@@ -1,2 +1,2 @@', ' a', '-x', '+B')
    expect(changed).toThrow(PatchError)
    expect(changed).toThrow('src/x.ts @@ -1,2 +1,2 @@ is nowhere in the file: its lines have changed ("x")')
  })

  it('refuses a hunk that fits in two places, even where it says it belongs', () => {
    const ambiguous = (): string => apply('@@ -2 +2 @@', '-b', '+B')
    expect(ambiguous).toThrow('@@ -2 +2 @@ fits at lines 2, 6: it needs more lines of context')
  })

  it('refuses hunks out of order and over each other', () => {
    expect(() => apply('@@ -4 +4 @@', '-d', '+D', '@@ -1 +1 @@', '-a', '+A')).toThrow('stands before or within')
    expect(() => apply('@@ -3,2 +3,2 @@', ' c', '-d', '+D', '@@ -4,2 +4,2 @@', ' d', '-e', '+E')).toThrow(
      '@@ -4,2 +4,2 @@ stands before or within the hunk above it',
    )
  })
})

describe('parseUnifiedDiff', () => {
  it('reads what git writes, for several files, with empty lines that lost their space', () => {
    const patches = parseUnifiedDiff(
      ['diff --git a/src/x.ts b/src/x.ts', 'index 1..2 100644', diff('@@ -1,3 +1,3 @@', ' a', '', '-b', '+c')]
        .concat(['--- a/src/y.ts', '+++ b/src/y.ts', '@@ -1 +1 @@', '-a', '+b', ''])
        .join('\n'),
    )
    expect(patches.map(({ path, hunks }) => [path, hunks.length])).toEqual([
      ['src/x.ts', 1],
      ['src/y.ts', 1],
    ])
    expect(patches[0]?.hunks[0]?.lines[1]).toEqual({ mark: ' ', text: '' })
  })

  it.each([
    [
      'lines that its header does not announce',
      diff('@@ -1 +1 @@', '-a', '+b', '+c'),
      'line 6 is "+c", expected --- a/',
    ],
    ['fewer lines than its header announces', diff('@@ -1,2 +1,2 @@', '-a', '+b'), 'as many lines as its header says'],
    ['a file that is made', '--- /dev/null\n+++ b/src/x.ts\n@@ -0,0 +1 @@\n+a\n', 'line 1 is "--- /dev/null"'],
    ['a file that gets another name', '--- a/src/x.ts\n+++ b/src/y.ts\n', 'expected +++ b/src/x.ts'],
    ['a hunk of no file', '@@ -1 +1 @@\n-a\n+b\n', 'expected --- a/ and the path of a file'],
    ['a file without a hunk', diff(), 'src/x.ts has no hunk'],
    ['nothing', '', 'the diff has no hunk'],
  ])('refuses %s', (_, text, message) => {
    expect(() => parseUnifiedDiff(text)).toThrow(message)
  })
})
