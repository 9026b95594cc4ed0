import { fileURLToPath } from 'node:url'
import { fileExists, fileNames, joinPath, readText } from '../explore/real-host.ts'
import { applyPatch } from './apply-patch.ts'
import { type Mutant, parseMutant } from './mutant.ts'
import { PatchError } from './patch-error.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const DIRECTORY = joinPath(ROOT, 'fixtures', 'mutants')
const ENDING = '.patch'

/**
 * All mutants, by kind and number: K4 before R2 before R10.
 *
 * @throws PatchError when there are none, as in an installed package, or one cannot be read
 */
export function readMutants(): Mutant[] {
  const files = fileExists(DIRECTORY) ? fileNames(DIRECTORY).filter(name => name.endsWith(ENDING)) : []
  if (files.length === 0) throw new PatchError(`there are no mutants in ${DIRECTORY}: they come with a checkout only`)
  return files.map(file => readMutant(file.slice(0, -ENDING.length))).sort((a, b) => compareIds(a.id, b.id))
}

/** @throws PatchError */
export function readMutant(id: string): Mutant {
  const file = `${id}${ENDING}`
  const mutant = parseMutant(readText(joinPath(DIRECTORY, file)), `fixtures/mutants/${file}`)
  if (mutant.id !== id) throw new PatchError(`fixtures/mutants/${file}: has the id ${JSON.stringify(mutant.id)}`)
  return mutant
}

/** A file of the sources as the mutant has it. */
export interface MutatedSource {
  readonly path: string
  /** Where Node loads it from. */
  readonly file: string
  readonly text: string
}

/**
 * The files that a mutant changes, changed; nothing is written.
 *
 * @throws PatchError that names the hunk that does not apply
 */
export function mutatedSources({ id, patches }: Pick<Mutant, 'id' | 'patches'>): MutatedSource[] {
  return patches.map(patch => {
    const file = joinPath(ROOT, ...patch.path.split('/'))
    if (!fileExists(file)) throw new PatchError(`mutant ${id}: there is no ${patch.path}`)
    try {
      return { path: patch.path, file, text: applyPatch(readText(file), patch) }
    } catch (error) {
      if (error instanceof PatchError) throw new PatchError(`mutant ${id}: ${error.message}`, { cause: error })
      throw error
    }
  })
}

function compareIds(a: string, b: string): number {
  const [, kindA = a, numberA = '0'] = /^([A-Z]+)(\d+)$/.exec(a) ?? []
  const [, kindB = b, numberB = '0'] = /^([A-Z]+)(\d+)$/.exec(b) ?? []
  if (kindA !== kindB) return kindA < kindB ? -1 : 1
  return Number(numberA) - Number(numberB)
}
