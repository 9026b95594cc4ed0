// Runs every counterexample in fixtures/ and records its digest anew, after a change that was meant to alter digests.
// A counterexample that no longer gives what it is kept for is an error: then the change fixed it, or hid it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readScenarioFile, versionsFor } from '../harness/explore/counterexample-file.ts'
import { findingsOf } from '../harness/explore/finding.ts'
import { runTrial } from '../harness/index.ts'

const folder = resolve(import.meta.dirname, '..', 'fixtures', 'counterexamples')

for (const name of readdirSync(folder).sort()) {
  const path = join(folder, name)
  const { scenario, file } = readScenarioFile(path)
  if (file === undefined || !('guarantee' in file.expect))
    throw new Error(`${name} does not say which guarantee it violates`)
  const { guarantee, kind } = file.expect
  const result = await runTrial(scenario)
  const finding = findingsOf(result).find(found => found.guarantee === guarantee && found.kind === kind)
  if (finding === undefined)
    throw new Error(`${name} no longer gives ${guarantee}/${kind}: ${JSON.stringify(findingsOf(result))}`)
  const recorded = {
    ...JSON.parse(readFileSync(path, 'utf8')),
    message: finding.message,
    expect: { guarantee, kind, digest: result.digest },
    versions: versionsFor(scenario),
  }
  writeFileSync(path, `${JSON.stringify(recorded, null, 2)}\n`)
  console.log(`${name}: ${result.digest}`)
}
