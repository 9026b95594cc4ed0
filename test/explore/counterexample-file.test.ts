import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { scenarioFromSeed } from '../../harness/explore/arbitrary.ts'
import { counterexamplePath, readScenarioFile, versionsFor } from '../../harness/explore/counterexample-file.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'counterexample-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function file(content: string): string {
  const path = join(directory, 'trial.json')
  writeFileSync(path, content)
  return path
}

describe('readScenarioFile', () => {
  const scenario = scenarioFromSeed('2-2')

  it('reads a file that holds nothing but a scenario', () => {
    expect(readScenarioFile(file(JSON.stringify(scenario)))).toEqual({ scenario })
  })

  it('reads what a trial that got stuck is expected to give', () => {
    const expect_ = { failure: 'deadlock', digest: '0123456789abcdef' }
    const read = readScenarioFile(file(JSON.stringify({ format: 1, scenario, expect: expect_ })))
    expect(read.file?.expect).toEqual(expect_)
  })

  it.each([
    ['{', /trial\.json is "\{", expected JSON/],
    ['[]', /trial\.json: scenario is \[\], expected an object$/],
    [JSON.stringify({ ...scenario, seed: 5 }), /trial\.json: seed is 5, expected text/],
    [JSON.stringify({ format: 2, scenario, expect: { failure: 'deadlock', digest: 'x' } }), /format is 2, expected 1$/],
    [JSON.stringify({ format: 1, scenario, expect: { guarantee: 'x', digest: 'x' } }), /expect\.guarantee is "x"/],
  ])('refuses %s in one line that names the file', (content, message) => {
    const path = file(content)
    expect(() => readScenarioFile(path)).toThrow(message)
  })

  it('says which file it cannot read', () => {
    expect(() => readScenarioFile(join(directory, 'none.json'))).toThrow(/none\.json is missing, expected a file/)
  })
})

describe('counterexamplePath', () => {
  it('names guarantee, kind and seed, and nothing that leaves the directory', () => {
    const finding = { guarantee: 'order', kind: 'reordered-records', message: '' } as const
    expect(counterexamplePath(finding, '42-17', 'out')).toBe(join('out', 'order-reordered-records-42-17.json'))
    expect(counterexamplePath(finding, '../x-1', 'out')).toBe(join('out', 'order-reordered-records-.._x-1.json'))
  })
})

describe('versionsFor', () => {
  it('names this package, Node and the clients of the scenario', () => {
    const versions = versionsFor(scenarioFromSeed('2-2', { client: 'platformatic' }))
    expect(Object.keys(versions).sort()).toEqual(['@platformatic/kafka', 'kafka-trial', 'node'])
    expect(Object.values(versions)).not.toContain('unknown')
  })
})
