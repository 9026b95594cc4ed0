/**
 * Loaded before anything else of a process (`--import`): plants the mutant that its environment names, by giving Node
 * other source text for the files that the mutant changes. A patch that does not apply ends the process.
 */
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import { mutatedSources, readMutant } from './catalogue.ts'
import { PatchError } from './patch-error.ts'
import { MUTANT_VARIABLE } from './planting.ts'

const id = process.env[MUTANT_VARIABLE]
if (id === undefined) throw new PatchError(`${MUTANT_VARIABLE} names no mutant`)
const texts = new Map(mutatedSources(readMutant(id)).map(({ file, text }) => [pathToFileURL(file).href, text]))

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const source = texts.get(url)
    return source === undefined ? loaded : { ...loaded, source }
  },
})
