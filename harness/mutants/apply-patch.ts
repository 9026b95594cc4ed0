import { PatchError } from './patch-error.ts'
import type { FilePatch, Hunk } from './unified-diff.ts'

/**
 * A file's text with a patch applied. Every hunk must be found by its kept and removed lines exactly once in the file:
 * code may move, but a patch must not hit what only looks like its place.
 *
 * @throws PatchError that names the hunk
 */
export function applyPatch(source: string, { path, hunks }: FilePatch): string {
  const lines = source.split('\n')
  const patched: string[] = []
  let done = 0
  for (const hunk of hunks) {
    const start = find(lines, hunk, path)
    if (start < done) throw new PatchError(`${path} ${hunk.header} stands before or within the hunk above it`)
    patched.push(...lines.slice(done, start), ...side(hunk, '-'))
    done = start + side(hunk, '+').length
  }
  return [...patched, ...lines.slice(done)].join('\n')
}

function find(lines: readonly string[], hunk: Hunk, path: string): number {
  const wanted = side(hunk, '+')
  const places: number[] = []
  for (let start = 0; start + wanted.length <= lines.length; start++) {
    if (wanted.every((text, index) => lines[start + index] === text)) places.push(start)
  }
  const [place] = places
  if (wanted.length > 0 && places.length === 1 && place !== undefined) return place
  const removed = hunk.lines.find(({ mark }) => mark === '-') ?? hunk.lines[0]
  const found =
    places.length === 0
      ? 'is nowhere in the file: its lines have changed'
      : `fits at lines ${places.map(at => at + 1).join(', ')}: it needs more lines of context`
  throw new PatchError(`${path} ${hunk.header} ${found} (${JSON.stringify(removed?.text.trim() ?? '')})`)
}

/** The hunk's lines before (`without` added ones) or after (`without` removed ones). */
function side({ lines }: Hunk, without: '+' | '-'): string[] {
  return lines.filter(({ mark }) => mark !== without).map(({ text }) => text)
}
