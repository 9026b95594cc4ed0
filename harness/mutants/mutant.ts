import { GUARANTEE_NAMES, type GuaranteeName } from '../trial/scenario.ts'
import { PatchError } from './patch-error.ts'
import { type FilePatch, parseUnifiedDiff } from './unified-diff.ts'

/** A bug that is planted deliberately, and must be caught. */
export interface Mutant {
  /** `R1`: its row in the catalogue of known bugs, or a name. */
  readonly id: string
  /** What the mutated code does wrong, in one line. */
  readonly title: string
  /** `KAFKA-9892`, `KIP-101`: where the bug was real, or the rule that it breaks. */
  readonly reference: string
  /** What can be expected to catch it: guarantees, or `trial` for crashes and what gets stuck. */
  readonly caughtBy: readonly (GuaranteeName | 'trial')[]
  /** Flags of `explore` under which it is looked for. */
  readonly explore: readonly string[]
  readonly patches: readonly FilePatch[]
}

const FIELDS = ['Id', 'Title', 'Reference', 'Caught-by', 'Explore'] as const
type Field = (typeof FIELDS)[number]

/**
 * Reads a mutant's file: fields as in a mail (`Title: …`, continued on lines that begin with a space), then a unified diff.
 *
 * @param name of the file, for errors
 * @throws PatchError
 */
export function parseMutant(text: string, name: string): Mutant {
  try {
    const diffAt = text.search(/^(?:diff |--- )/m)
    if (diffAt < 0) throw new PatchError('has no diff')
    const head = text.slice(0, diffAt)
    const fields = parseFields(head)
    const field = (wanted: Field): string => {
      const value = fields.get(wanted)
      if (value === undefined) throw new PatchError(`has no field ${wanted}`)
      return value
    }
    const patches = parseUnifiedDiff(text.slice(diffAt), head.split('\n').length)
    const outside = patches.find(({ path }) => !/^src\/[\w./-]+\.ts$/.test(path) || path.includes('..'))
    if (outside !== undefined) throw new PatchError(`patches ${outside.path}, expected a file of src/`)
    return {
      id: field('Id'),
      title: field('Title'),
      reference: field('Reference'),
      caughtBy: words(field('Caught-by'), /[\s,]+/).map(checkerName),
      explore: words(field('Explore'), /\s+/),
      patches,
    }
  } catch (error) {
    if (error instanceof PatchError) throw new PatchError(`${name}: ${error.message}`, { cause: error })
    throw error
  }
}

function parseFields(head: string): Map<Field, string> {
  const fields = new Map<Field, string>()
  for (const line of head.replaceAll(/\n +/g, ' ').split('\n')) {
    if (line.trim() === '') continue
    const [, name = '', value = ''] = /^([A-Z][a-z-]+): *(.*)$/.exec(line) ?? []
    const field = FIELDS.find(known => known === name)
    if (field === undefined || fields.has(field)) {
      throw new PatchError(`has the line ${JSON.stringify(line)}, expected ${FIELDS.join(', ')}, once each`)
    }
    fields.set(field, value.trim())
  }
  return fields
}

function words(text: string, separator: RegExp): string[] {
  return text.split(separator).filter(word => word !== '')
}

function checkerName(name: string): GuaranteeName | 'trial' {
  const found = name === 'trial' ? name : GUARANTEE_NAMES.find(known => known === name)
  if (found === undefined) throw new PatchError(`is to be caught by ${JSON.stringify(name)}, which is no guarantee`)
  return found
}
