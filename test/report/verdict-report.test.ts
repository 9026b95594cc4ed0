import { describe, expect, it } from 'vitest'
import type { Counterexample } from '../../harness/explore/jobs.ts'
import { Totals } from '../../harness/explore/totals.ts'
import { junitXml } from '../../harness/report/junit.ts'
import { scenarioRows } from '../../harness/report/scenario.ts'
import { createStyle } from '../../harness/report/style.ts'
import { verdictJson } from '../../harness/report/verdict-json.ts'
import { verdictJunit } from '../../harness/report/verdict-junit.ts'
import { verdictMarkdown } from '../../harness/report/verdict-markdown.ts'
import { cellText, VerdictProgressBar, VerdictProgressLines } from '../../harness/report/verdict-progress.ts'
import { verdictLines } from '../../harness/report/verdict-terminal.ts'
import { verdictCommand } from '../../harness/report/verdict-words.ts'
import { answerOf, type VerdictAnswer } from '../../harness/verdict/answer.ts'
import type { Broken, VerdictCampaignResult, VerdictProgress } from '../../harness/verdict/campaign.ts'
import { judgedBy } from '../../harness/verdict/guarantee-groups.ts'
import { expectationFor, type MatrixCell } from '../../harness/verdict/matrix-expectations.ts'
import { GROUP } from '../checkers/group-support.ts'
import { PRODUCER, scenarioOf } from '../checkers/support.ts'
import { planFor } from '../verdict/support.ts'

const PLAIN = createStyle(false)
const PLAN = planFor({ acks: 1 })
const FINDING = { guarantee: 'no-loss', kind: 'acked-record-missing', message: 'Record p0-s0-r0 is <gone>.' } as const
const COUNTEREXAMPLE: Counterexample = {
  scenario: {
    ...scenarioOf([{ ...PRODUCER, acks: 1 }], ['no-loss']),
    faults: [{ kind: 'crash-leader', at: { request: 'Produce', nth: 2 }, forMs: 50 }],
  },
  trials: 40,
  steps: 9,
  complete: true,
  finding: FINDING,
  digest: '0123456789abcdef',
  events: 100,
  virtualMs: 30,
  story: [
    { ms: 0.25, who: 'broker-1', text: 'is running' },
    { ms: 12.5, who: 'fault', text: 'kills broker-1' },
  ],
}
const BROKEN: Broken = {
  finding: FINDING,
  trial: 11,
  seed: '4-11',
  afterMs: 1700,
  counterexample: COUNTEREXAMPLE,
  file: 'kafka-trial-out/no-loss-4-11.json',
}

function campaign(broken: Broken | undefined, change: Partial<VerdictCampaignResult> = {}): VerdictCampaignResult {
  const totals = new Totals()
  const report = { seed: '4-0', digest: 'd', events: 20_000, virtualMs: 61_000, wallMs: 100, runs: 1 }
  totals.add(0, { ...report, faults: { kill: 2, pause: 5 }, probes: { 'send-acknowledged': 3 }, findings: [] })
  return {
    plan: PLAN,
    runSeed: '4',
    totals,
    outcomes: judgedBy(PLAN.configuration).map(judged => ({
      judged,
      trials: judged.name === 'loss' && broken !== undefined ? 12 : 1000,
      broken: judged.name === 'loss' ? broken : undefined,
    })),
    others: [],
    shrinkErrors: [],
    elapsedMs: 12_345,
    rssMaxBytes: 100 * 1024 * 1024,
    interrupted: false,
    ...change,
  }
}

function answer(broken?: Broken, change: Partial<VerdictCampaignResult> = {}): VerdictAnswer {
  return { ...answerOf(campaign(broken, change), ['Idempotence is silently off.']), probesMissed: ['isr-shrunk'] }
}

describe('the answer in a terminal', () => {
  it('tells the story of what broke, guarantee by guarantee, with what Kafka promises and what to type next', () => {
    expect(verdictLines(answer(BROKEN), 2, PLAIN)).toMatchSnapshot()
  })

  it('says what held, and under what', () => {
    const text = verdictLines(answer(), 2, PLAIN).join('\n')
    expect(text).toContain('held    no acknowledged record lost in 1000 trials')
    expect(text).toContain('never reached  isr-shrunk')
    expect(text).toContain('Everything that was judged held')
    expect(text).toContain('next: npx kafka-trial verdict --acks 1 --min-insync-replicas 1')
  })

  it('calls what is broken although it is promised a defect', () => {
    const { configuration } = planFor()
    const text = verdictLines(answer(BROKEN, { plan: { ...PLAN, configuration } }), 2, PLAIN).join('\n')
    expect(text).toContain('Broken although it is promised: no acknowledged record lost.')
  })

  it('trusts nothing when the harness itself failed', () => {
    const text = verdictLines(answer(undefined, { shrinkErrors: ['4-1: it hung'] }), 2, PLAIN).join('\n')
    expect(text).toContain('internal  Shrinking 4-1: it hung')
    expect(text).toContain('1 defect of the harness: its other results cannot be trusted.')
  })

  it('names the smallest change that held, and those that did not', () => {
    const change = { setting: 'acks=all', apply: <T>(before: T): T => before }
    const held = { changes: [change], result: campaign(undefined), held: true }
    const broke = { changes: [{ ...change, setting: 'min.insync.replicas=2' }], result: campaign(BROKEN), held: false }
    const suggestion = { found: held, attempts: [broke, held], untried: 0 }
    const text = verdictLines({ ...answer(BROKEN), suggestion }, 2, PLAIN).join('\n')
    expect(text).toContain('smallest change that held  acks=all, in 1 trial')
    expect(text).toContain('min.insync.replicas=2  broken after 12 trials')
    const none = { ...answer(BROKEN), suggestion: { found: undefined, attempts: [broke], untried: 3 } }
    expect(verdictLines(none, 2, PLAIN).join('\n')).toContain(
      'no change of settings held; 3 combinations could not be tried',
    )
  })
})

describe('the answer for programs and pages', () => {
  it('is JSON with stable keys', () => {
    const json = JSON.parse(JSON.stringify(verdictJson(answer(BROKEN), 2)))
    expect(Object.keys(json)).toMatchSnapshot()
    expect(json).toMatchObject({
      command: 'verdict',
      exitCode: 1,
      configuration: { acks: '1', 'min.insync.replicas': '1' },
      guarantees: [
        { name: 'loss', verdict: 'broken', trials: 12, broken: { trial: 11, file: BROKEN.file } },
        { name: 'duplicates', verdict: 'held', broken: null },
        { name: 'order', verdict: 'held' },
        { name: 'availability', verdict: 'held' },
      ],
      probesMissed: ['isr-shrunk'],
      suggestion: null,
    })
  })

  it('is a page of Markdown', () => {
    expect(verdictMarkdown(answer(BROKEN))).toMatchSnapshot()
  })

  it('is a JUnit report with a test a guarantee', () => {
    expect(verdictJunit(answer(BROKEN))).toMatchSnapshot()
    expect(verdictJunit(answer(undefined, { shrinkErrors: ['x'] }))).toContain('failures="0" errors="1"')
  })

  it('writes no character that XML cannot have', () => {
    const xml = junitXml('a "b"', [{ name: '<\u0000\u001b&>', className: 'c', seconds: 1 }])
    expect(xml).toContain('name="a &quot;b&quot;"')
    expect(xml).toContain('name="&lt;&amp;&gt;"')
  })
})

describe('commands', () => {
  it('ask about the same configuration again', () => {
    expect(verdictCommand(PLAN)).toBe(
      'npx kafka-trial verdict --acks 1 --min-insync-replicas 1 --faults process-crash,partition',
    )
    const plan = planFor(
      {
        idempotence: false,
        maxInFlight: 1,
        retries: 2_147_483_647,
        flushMessages: 1,
        client: 'kafkajs',
        eligibleLeaderReplicas: false,
      },
      { models: ['power-loss'], atOnce: 1, powerLosses: 2 },
    )
    expect(verdictCommand(plan, ['--time', '1m'])).toBe(
      'npx kafka-trial verdict --acks all --min-insync-replicas 1 --no-elr --no-idempotence --max-in-flight 1 --retries 2147483647 --flush-messages 1 --client kafkajs --faults power-loss --at-once 1 --power-losses 2 --time 1m',
    )
  })
})

describe('the answer about a group', () => {
  const question = { client: 'kafkajs', consumer: 'java-semantics', commit: 'before', sink: 'idempotent' } as const
  const plan = planFor({ ...question, assignor: 'sticky', isolationLevel: 'read_committed' })
  const redeployed: Broken = {
    ...BROKEN,
    finding: { guarantee: 'at-least-once', kind: 'record-skipped', message: 'Record p0-s0-r0 was skipped.' },
    counterexample: {
      ...COUNTEREXAMPLE,
      scenario: {
        ...COUNTEREXAMPLE.scenario,
        faults: [],
        workload: {
          ...COUNTEREXAMPLE.scenario.workload,
          groups: [
            { ...GROUP, members: [{ startMs: 0, instanceId: null, redeploys: [{ atMs: 9, how: 'kill', forMs: 1 }] }] },
          ],
        },
      },
    },
  }
  const outcomes = judgedBy(plan.configuration).map(judged => ({
    judged,
    trials: 50,
    broken: judged.name === 'at-least-once' ? redeployed : undefined,
  }))
  const given = answer(undefined, { plan, outcomes })

  it('tells what breaks as not promised, and by which redeploys', () => {
    const text = verdictLines(given, 2, PLAIN).join('\n')
    expect(text).toContain(
      'broken  at least once: no acknowledged record skipped after 50 trials, by 1 redeploy\n        Kafka does not promise it: What is committed before it is processed is skipped',
    )
    expect(text).toContain('held    at most once: no record processed twice in 50 trials\n        Kafka promises it:')
    expect(text).toContain('\nBroken: at least once: no acknowledged record skipped.\n')
    expect(text).toContain('commits                           by the application, before it processes a record')
  })

  it('has a row and a test for each guarantee, in Markdown, JUnit and JSON', () => {
    expect(verdictMarkdown(given)).toContain('**broken** after 50 trials by 1 redeploy | no: What is committed before')
    expect(verdictJunit(given)).toContain('tests="6" failures="1"')
    expect(verdictJson(given, 2)).toMatchObject({
      configuration: { consumer: 'java-semantics', 'isolation.level': 'read_committed', sink: 'idempotent' },
      guarantees: [
        { name: 'at-least-once', verdict: 'broken', promise: { promised: false } },
        { name: 'at-most-once', verdict: 'held', promise: { promised: true } },
        { name: 'effectively-once', verdict: 'held' },
        { name: 'order', verdict: 'held' },
        { name: 'availability', verdict: 'held' },
        { name: 'commits', verdict: 'held' },
      ],
    })
  })

  it('is asked for again by a command', () => {
    expect(verdictCommand(plan)).toBe(
      'npx kafka-trial verdict --acks all --min-insync-replicas 1 --client kafkajs --consumer java-semantics --commit before --isolation-level read_committed --assignor sticky --sink idempotent --faults process-crash,partition',
    )
    expect(verdictCommand(planFor({ groupProtocol: 'consumer', client: 'java-semantics' }))).toContain(
      ' --client java-semantics --enable-auto-commit true --group-protocol consumer --faults',
    )
  })
})

describe('progress', () => {
  const progress = (change: Partial<VerdictProgress> = {}): VerdictProgress => {
    const { totals, outcomes } = campaign(BROKEN)
    return { totals, outcomes, trials: 100, timeMs: undefined, elapsedMs: 6000, ...change }
  }

  it('in a log is news at once, and else a line every five seconds', () => {
    const lines: string[] = []
    const display = new VerdictProgressLines(line => lines.push(line))
    display.update(progress())
    display.update(progress({ elapsedMs: 6001 }))
    display.update(progress({ elapsedMs: 6002, news: { what: 'broken', title: 'order kept', broken: BROKEN } }))
    display.update(progress({ elapsedMs: 6003, news: { what: 'shrunk', title: 'order kept', broken: BROKEN } }))
    expect(lines).toEqual([
      '1/100 trials, 6.0 s, 1 of 4 broken',
      'broken: order kept, in trial 12 after 1.7 s; shrinking',
      'shrunk: order kept, to 1 fault',
    ])
  })

  it('in a terminal is a bar with news above it', () => {
    const bar: string[] = []
    const display = new VerdictProgressBar(
      {
        start: (total, value) => bar.push(`start ${value}/${total}`),
        update: (value, { text }) => bar.push(`${value} ${text}`),
        stop: () => bar.push('stop'),
      },
      line => bar.push(line),
    )
    display.update(progress({ news: { what: 'shrunk', title: 'order kept', broken: BROKEN } }))
    display.stop()
    expect(bar).toEqual([
      'start 0/100',
      '\r\u001b[Kshrunk: order kept, to 1 fault',
      '1 1/100 trials, 6.0 s, 1 of 4 broken',
      'stop',
    ])
  })

  it('of a matrix is a line a cell', () => {
    const cell: MatrixCell = { acks: 1, minInsyncReplicas: 1, unclean: false, crash: 'process', elr: true }
    const result = {
      cell,
      expected: expectationFor(cell),
      trials: 12,
      broken: BROKEN,
      agrees: true,
      campaign: campaign(BROKEN),
    }
    expect(cellText(result, 3, 54)).toBe('3/54 acks1-isr1-clean-process: yes, after 12 trials (1 fault)')
    const held = { ...result, broken: undefined, agrees: false, campaign: campaign(undefined) }
    expect(cellText(held, 4, 54)).toBe('4/54 acks1-isr1-clean-process: held in 12, which is not what is expected')
  })
})

describe('a scenario in words', () => {
  it('says how a cluster is laid out, and what a fault is on', () => {
    const scenario = scenarioOf([PRODUCER])
    const rows = scenarioRows({
      ...scenario,
      cluster: {
        ...scenario.cluster,
        brokers: 3,
        controllers: 3,
        roles: 'separate',
        features: { 'eligible.leader.replicas.version': 0 },
        topic: { ...scenario.cluster.topic, replicationFactor: 3 },
      },
      faults: [
        { kind: 'power-loss', at: { probe: 'isr-of-one' }, forMs: 100, on: 'leader', nodes: 2 },
        { kind: 'partition', at: { ms: 5 }, forMs: 10, on: 1, shape: 'isolate-one', pick: 2 },
      ],
    })
    expect(rows.filter(([name]) => name !== 'producer-0')).toEqual([
      [
        'cluster',
        '3 brokers, 3 controllers, 2 partitions, replication factor 3, eligible.leader.replicas.version=0, fifo schedule',
      ],
      ['fault', 'power-loss when isr-of-one is first seen, on the leader, 2 nodes at once, for 100 ms'],
      ['fault', 'partition at 5 ms, on broker 2, isolate-one, for 10 ms, pick 2'],
    ])
  })
})
