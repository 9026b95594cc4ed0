import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readScenarioFile } from '../../harness/explore/counterexample-file.ts'
import { findingKey } from '../../harness/explore/finding.ts'
import { WorkerPool } from '../../harness/explore/worker-pool.ts'
import { runVerdict } from '../../harness/verdict/campaign.ts'
import { planFor } from './support.ts'

const pool = new WorkerPool(2)
let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'verdict-'))
})
afterAll(() => {
  pool.close()
  rmSync(directory, { recursive: true })
})

describe('a verdict over real trials', () => {
  it('finds the record that acks=1 loses, and a file that replays it', { timeout: 120_000 }, async () => {
    const { outcomes } = await runVerdict(pool, {
      plan: planFor({ acks: 1 }, { models: ['process-crash'] }),
      runSeed: '1',
      trials: 40,
      judge: ['loss'],
      directory,
      shrinkLimits: { maxTrials: 20, maxMs: 5000 },
    })

    const broken = outcomes[0]?.broken
    expect(broken?.finding).toMatchObject({ guarantee: 'no-loss', kind: 'acked-record-missing' })
    const { scenario, file } = readScenarioFile(broken?.file ?? '')
    expect(scenario.faults.length).toBeLessThanOrEqual(5)
    const replay = await pool.ask({ type: 'replay', source: { scenario, options: {} } })
    expect(replay.findings.map(findingKey)).toContain('no-loss/acked-record-missing')
    expect(replay.digest).toBe(file?.expect.digest)
    expect(replay.story.some(({ text }) => text.includes('leads records-0'))).toBe(true)
  })

  it('finds the record that a commit before processing skips, by a redeploy', { timeout: 120_000 }, async () => {
    const { outcomes, others } = await runVerdict(pool, {
      plan: planFor({ client: 'java-semantics', commit: 'before' }, { models: ['client'] }),
      runSeed: '1',
      trials: 20,
      judge: ['at-least-once'],
      directory,
      shrinkLimits: { maxTrials: 15, maxMs: 5000 },
    })

    const broken = outcomes[0]?.broken
    expect(broken?.finding).toMatchObject({ guarantee: 'at-least-once', kind: 'record-skipped' })
    expect(others).toEqual([])
    const { scenario, file } = readScenarioFile(broken?.file ?? '')
    expect(scenario.workload.groups).toMatchObject([{ client: 'java-semantics', commit: 'before' }])
    const replay = await pool.ask({ type: 'replay', source: { scenario, options: {} } })
    expect(replay.findings.map(findingKey)).toContain('at-least-once/record-skipped')
    expect(replay.digest).toBe(file?.expect.digest)
  })
})
