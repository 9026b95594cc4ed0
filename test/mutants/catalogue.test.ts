import { stripTypeScriptTypes } from 'node:module'
import { describe, expect, it } from 'vitest'
import { explorationOfMutant } from '../../harness/cli/mutants-command.ts'
import { mutatedSources, readMutants } from '../../harness/mutants/catalogue.ts'

const mutants = readMutants()

describe('the catalogue of mutants', () => {
  it('is sorted by kind and number, without an id twice', () => {
    const ids = mutants.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.filter(id => /^P\d+$/.test(id)).slice(0, 2)).toEqual(['P1', 'P2'])
  })

  it.each(mutants.map(mutant => [mutant.id, mutant] as const))(
    '%s applies to the sources as they are',
    async (_, mutant) => {
      for (const { text } of mutatedSources(mutant)) expect(() => stripTypeScriptTypes(text)).not.toThrow()
      expect(mutant.caughtBy.length).toBeGreaterThan(0)
      await expect(explorationOfMutant(mutant)).resolves.toBeDefined()
    },
  )

  it('names the mutant and the hunk when a patch does not apply', () => {
    const hunk = { header: '@@ -1,2 +1,2 @@', lines: [{ mark: '-', text: 'const gone = 1' }] } as const
    const stale = { id: 'X1', patches: [{ path: 'src/log/unified-log.ts', hunks: [hunk] }] }
    expect(() => mutatedSources(stale)).toThrow(
      'mutant X1: src/log/unified-log.ts @@ -1,2 +1,2 @@ is nowhere in the file: its lines have changed ("const gone = 1")',
    )
    const lost = { id: 'X1', patches: [{ path: 'src/log/gone.ts', hunks: [hunk] }] }
    expect(() => mutatedSources(lost)).toThrow('mutant X1: there is no src/log/gone.ts')
  })
})
