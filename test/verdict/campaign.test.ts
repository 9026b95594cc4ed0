import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readScenarioFile } from '../../harness/explore/counterexample-file.ts'
import type { Workforce } from '../../harness/explore/worker-pool.ts'
import type { Scenario } from '../../harness/trial/scenario.ts'
import { answerOf, verdictExitCode } from '../../harness/verdict/answer.ts'
import { runVerdict, type VerdictCampaignOptions, type VerdictCampaignResult } from '../../harness/verdict/campaign.ts'
import { judgedBy } from '../../harness/verdict/guarantee-groups.ts'
import type { Question } from '../../harness/verdict/question.ts'
import { fakeTrial, HOLDS, LOSES, type Verdict } from '../explore/fake-trial.ts'
import { LocalWorkforce } from '../support/local-workforce.ts'
import { planFor } from './support.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'verdict-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const REPEATS: Verdict = {
  violations: [{ guarantee: 'no-duplicates', kind: 'duplicate-record', message: 'Record p0-s0-r0 stands twice.' }],
  failure: undefined,
}
/** Longer than a dozen trials of a world in which nothing happens. */
const SHRINKING_MS = 1000
const STUCK: Verdict = { violations: [], failure: { kind: 'liveness', message: 'broker-1 does not run' } }
const MALFORMED: Verdict = {
  violations: [{ guarantee: 'well-formed-log', kind: 'malformed-file', message: 'A segment is torn.' }],
  failure: undefined,
}

/** Only what a scenario asks for is judged, as in a trial. */
function asked(scenario: Scenario, verdict: Verdict): Verdict {
  return {
    ...verdict,
    violations: verdict.violations.filter(({ guarantee }) => scenario.guarantees.includes(guarantee)),
  }
}

function judged(
  judge: (scenario: Scenario) => Verdict,
  change: Partial<VerdictCampaignOptions> = {},
  workforce = new LocalWorkforce(fakeTrial(scenario => asked(scenario, judge(scenario)))),
): Promise<VerdictCampaignResult> {
  return runVerdict(workforce, { plan: planFor(), runSeed: '8', trials: 12, directory, ...change })
}

describe('a verdict', () => {
  it('judges all four guarantees in every trial when they hold, promised or not', async () => {
    const workforce = new LocalWorkforce(fakeTrial(() => HOLDS))
    const result = await judged(() => HOLDS, { plan: planFor({ acks: 1 }) }, workforce)

    expect(result.outcomes.map(({ trials, broken }) => [trials, broken])).toEqual(
      Array.from({ length: 4 }, () => [12, undefined]),
    )
    const scenarios = workforce.orders.flatMap(order => (order.type === 'trial' ? (order.scenario ?? []) : []))
    expect(scenarios).toHaveLength(12)
    for (const { guarantees } of scenarios) {
      expect(guarantees).toEqual(
        expect.arrayContaining(['no-loss', 'no-duplicates', 'order', 'recovers', 'well-formed-log']),
      )
    }
    expect(verdictExitCode(result)).toBe(0)
    expect(readdirSync(directory)).toEqual([])
  })

  it('stops judging what is broken, shrinks it at once, and judges the rest to the end', async () => {
    const workforce = new LocalWorkforce(
      fakeTrial(scenario => asked(scenario, scenario.faults.length > 0 ? LOSES : HOLDS)),
      1,
    )
    const result = await judged(() => LOSES, {}, workforce)

    const [loss, ...rest] = result.outcomes
    expect(loss?.broken?.finding.guarantee).toBe('no-loss')
    expect(loss?.trials).toBe((loss?.broken?.trial ?? 0) + 1)
    expect(rest.map(({ trials, broken }) => [trials, broken])).toEqual(Array.from({ length: 3 }, () => [12, undefined]))
    expect(workforce.orders.filter(({ type }) => type === 'shrink')).toHaveLength(1)
    const { scenario } = readScenarioFile(loss?.broken?.file ?? '')
    expect(scenario.faults).toHaveLength(1)
    expect(scenario.guarantees).toEqual(['no-loss'])
    expect(scenario.cluster.topic).toMatchObject({ replicationFactor: 3, config: { 'min.insync.replicas': '1' } })
    expect(verdictExitCode(result)).toBe(1)
  })

  it('ends when there is nothing left to judge', async () => {
    const result = await judged(() => LOSES, { judge: ['loss'], trials: 1000 })
    expect(result.totals.trials).toBeLessThan(5)
  })

  it('takes a trial that gets stuck for "not available again"', async () => {
    const result = await judged(() => STUCK)
    const broken = result.outcomes.filter(outcome => outcome.broken !== undefined)
    expect(broken.map(outcome => outcome.judged.name)).toEqual(['availability'])
    expect(verdictExitCode(result)).toBe(3)
    // Their checkers did not run: nothing is known of the others.
    expect(result.outcomes.map(({ trials }) => trials)).toEqual([0, 0, 0, 0])
  })

  it('reports and shrinks what no configuration may break, once', async () => {
    const workforce = new LocalWorkforce(
      fakeTrial(scenario => asked(scenario, MALFORMED)),
      1,
    )
    const result = await judged(() => MALFORMED, {}, workforce)
    const judging = workforce.orders.filter(
      order => order.type === 'trial' && order.scenario?.guarantees.includes('well-formed-log') === true,
    )
    expect(judging).toHaveLength(1)
    expect(result.others.map(({ finding, file }) => [finding.guarantee, file !== undefined])).toEqual([
      ['well-formed-log', true],
    ])
    expect(result.outcomes.every(({ broken, trials }) => broken === undefined && trials === 12)).toBe(true)
    expect(verdictExitCode(result)).toBe(1)
  })

  it('asks with acks=0 what the "done" of the client is worth', async () => {
    const workforce = new LocalWorkforce(fakeTrial(() => HOLDS))
    await judged(() => HOLDS, { plan: planFor({ acks: 0 }), trials: 1 }, workforce)
    const [order] = workforce.orders
    expect(order?.type === 'trial' && order.scenario?.guarantees).toContain('no-silent-loss')
  })

  it('asks of commits what can be told of them: whose they are only where members hear of each generation', () => {
    const commits = (question: Question): readonly string[] => {
      const judged = judgedBy(planFor({ client: 'java-semantics', ...question }).configuration)
      return judged.flatMap(({ name, title, guarantees }) => (name === 'commits' ? [title, ...guarantees] : []))
    }
    expect(commits({ commit: 'before', assignor: 'sticky' })).toEqual([
      'commits safe: kept, refused from members that were replaced',
      'commits-stay',
      'fenced-commits-refused',
    ])
    expect(commits({ commit: 'after', assignor: 'cooperative-sticky' })).toEqual([
      'commits safe: kept, never beyond what was processed',
      'commits-stay',
      'commits-not-beyond-processed',
    ])
  })

  it('tells of a lost record wherever something is built on it, and shrinks it once', async () => {
    const workforce = new LocalWorkforce(
      fakeTrial(scenario => asked(scenario, LOSES)),
      1,
    )
    const news: string[] = []
    const onProgress: VerdictCampaignOptions['onProgress'] = progress => {
      if (progress.news !== undefined) news.push(`${progress.news.what} ${progress.news.title}`)
    }
    const plan = planFor({ client: 'kafkajs', commit: 'after' })
    const { outcomes } = await judged(() => LOSES, { plan, onProgress }, workforce)

    const broken = outcomes.filter(outcome => outcome.broken !== undefined)
    expect(broken.map(outcome => outcome.judged.name)).toEqual(['at-least-once', 'effectively-once'])
    expect(broken.every(outcome => outcome.broken?.file !== undefined)).toBe(true)
    expect(workforce.orders.filter(({ type }) => type === 'shrink')).toHaveLength(1)
    const both =
      'at least once: no acknowledged record skipped; effectively once: every acknowledged record has its effect once'
    expect(news).toEqual([`broken ${both}`, `shrunk ${both}`])
  })

  it('asks of a group what becomes of records from end to end, each guarantee once', async () => {
    const workforce = new LocalWorkforce(fakeTrial(() => HOLDS))
    await judged(() => HOLDS, { plan: planFor({ client: 'kafkajs', commit: 'after' }), trials: 1 }, workforce)
    const [order] = workforce.orders
    const guarantees = order?.type === 'trial' ? (order.scenario?.guarantees ?? []) : []
    expect(new Set(guarantees).size).toBe(guarantees.length)
    expect(guarantees).toEqual(
      expect.arrayContaining([
        'no-loss',
        'no-duplicates',
        'at-least-once',
        'at-most-once',
        'effectively-once',
        'group-order',
        'order',
        'group-converges',
        'commits-stay',
        'commits-not-beyond-processed',
        'fenced-commits-refused',
      ]),
    )
  })

  it('runs trials for as long as it was told, whatever time it takes to shrink what they find', async () => {
    const workforce = new LocalWorkforce(
      fakeTrial(scenario => asked(scenario, LOSES)),
      1,
    )
    const slow: Workforce = {
      size: 1,
      rssMaxBytes: 0,
      ask: async order => {
        if (order.type === 'shrink') await new Promise(resolve => setTimeout(resolve, SHRINKING_MS))
        return await workforce.ask(order)
      },
      close: () => {},
    }
    await runVerdict(slow, { plan: planFor(), runSeed: '8', trials: 12, timeMs: SHRINKING_MS })
    expect(workforce.orders.filter(({ type }) => type === 'trial')).toHaveLength(12)
  })

  it('tells news as they come', async () => {
    const news: string[] = []
    await judged(() => REPEATS, {
      plan: planFor({ idempotence: false }),
      onProgress: progress => {
        if (progress.news !== undefined) news.push(`${progress.news.what} ${progress.news.title}`)
      },
    })
    expect(news).toEqual(['broken no duplicates', 'shrunk no duplicates'])
  })
})

describe('an answer', () => {
  it('stands beside what Kafka promises', async () => {
    const answer = answerOf(await judged(() => LOSES, { plan: planFor({ acks: 1 }) }), ['a note'])
    expect(answer.guarantees.map(({ name, verdict, promise }) => [name, verdict, promise.promised])).toEqual([
      ['loss', 'broken', false],
      ['duplicates', 'held', false],
      ['order', 'held', false],
      ['availability', 'held', true],
    ])
    expect(answer.probesReached.has('send-acknowledged')).toBe(true)
    expect(answer.probesMissed).toContain('broker-unclean-restart')
  })
})
