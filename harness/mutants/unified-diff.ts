import { PatchError } from './patch-error.ts'

/** A line of a hunk: kept (`' '`), removed (`'-'`) or added (`'+'`). */
export interface HunkLine {
  readonly mark: ' ' | '-' | '+'
  readonly text: string
}

export interface Hunk {
  /** `@@ -10,3 +10,4 @@`, by which errors name it. */
  readonly header: string
  readonly lines: readonly HunkLine[]
}

/** The changes to one file. */
export interface FilePatch {
  /** From the root of the repository, with `/`. */
  readonly path: string
  readonly hunks: readonly Hunk[]
}

const OLD_FILE = /^--- a\/(.+)$/
const NEW_FILE = /^\+\+\+ b\/(.+)$/
const HUNK = /^(@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@)/

/**
 * Reads a unified diff as `git diff` writes it, of files that exist before and after. Line numbers are for people; a
 * hunk is found by its lines.
 *
 * @param firstLine number of the diff's first line in its file, for errors
 * @throws PatchError
 */
export function parseUnifiedDiff(text: string, firstLine = 1): FilePatch[] {
  const lines = text.replace(/\n$/, '').split('\n')
  const patches: { path: string; hunks: Hunk[] }[] = []
  let index = 0
  const wrong = (expected: string): PatchError =>
    new PatchError(`line ${firstLine + index} is ${JSON.stringify(lines[index] ?? 'the end')}, expected ${expected}`)
  while (index < lines.length) {
    const line = lines[index] as string
    const path = OLD_FILE.exec(line)?.[1]
    if (path !== undefined) {
      index++
      if (NEW_FILE.exec(lines[index] ?? '')?.[1] !== path) throw wrong(`+++ b/${path}`)
      patches.push({ path, hunks: [] })
    } else if (HUNK.test(line)) {
      const patch = patches.at(-1)
      if (patch === undefined) throw wrong('--- a/ and the path of a file')
      const { hunk, end } = readHunk(lines, index)
      index = end - 1
      if (hunk === undefined) throw wrong('a hunk with as many lines as its header says')
      patch.hunks.push(hunk)
    } else if (!/^(diff |index |$)/.test(line)) {
      throw wrong('--- a/ and the path of a file, or @@')
    }
    index++
  }
  const empty = patches.find(({ hunks }) => hunks.length === 0)
  if (patches.length === 0 || empty !== undefined) throw new PatchError(`${empty?.path ?? 'the diff'} has no hunk`)
  return patches
}

/** @returns the hunk, undefined if its lines are not as many as its header says, and the index after its last line */
function readHunk(lines: readonly string[], start: number): { hunk: Hunk | undefined; end: number } {
  const [, header = '', oldCount = '1', newCount = '1'] = HUNK.exec(lines[start] as string) ?? []
  const read: HunkLine[] = []
  let olds = Number(oldCount)
  let news = Number(newCount)
  let end = start + 1
  while (olds > 0 || news > 0) {
    const line = lines[end]
    const mark = line === '' ? ' ' : line?.[0]
    if (line === undefined || (mark !== ' ' && mark !== '-' && mark !== '+')) break
    if (mark !== '+') olds--
    if (mark !== '-') news--
    read.push({ mark, text: line.slice(1) })
    end++
  }
  const complete = olds === 0 && news === 0
  return { hunk: complete ? { header, lines: read } : undefined, end }
}
