import { describe, expect, it } from 'vitest'
import type { CampaignResult, FoundCounterexample, Progress } from '../../harness/explore/explore.ts'
import { Totals } from '../../harness/explore/totals.ts'
import { exploreCommand, replayCommand } from '../../harness/report/commands.ts'
import { formatCount, formatCounts, formatDuration, wrap } from '../../harness/report/format.ts'
import { campaignJson } from '../../harness/report/json.ts'
import { type Bar, ProgressBar, ProgressLines } from '../../harness/report/progress.ts'
import { replayLines } from '../../harness/report/replay.ts'
import { storyLines } from '../../harness/report/story.ts'
import { createStyle, isInteractive, wantsColour } from '../../harness/report/style.ts'
import { campaignLines } from '../../harness/report/summary.ts'
import type { Scenario } from '../../harness/trial/scenario.ts'
import { PRODUCER, scenarioOf } from '../checkers/support.ts'

const PLAIN = createStyle(false)
const ESCAPE = '\u001b['

const SCENARIO: Scenario = {
  ...scenarioOf([{ ...PRODUCER, idempotent: true, retries: Number.MAX_SAFE_INTEGER }], ['no-loss']),
  faults: [{ kind: 'kill', at: { request: 'Produce', nth: 2 }, forMs: 50, pick: 1 }],
}
const STORY = [
  { ms: 0.25, who: 'broker-1', text: 'is running' },
  { ms: 12.5, who: 'fault', text: 'kills broker-1\n(kill -9)' },
]
const FINDING = { guarantee: 'no-loss', kind: 'acked-record-missing', message: 'Record p0-s0-r0 is gone.' } as const

function totals(change: (totals: Totals) => void = () => undefined): Totals {
  const sum = new Totals()
  const report = { seed: '4-0', digest: 'd', events: 20_000, virtualMs: 61_000, wallMs: 100, runs: 1 }
  sum.add(0, { ...report, faults: { kill: 2, pause: 5 }, probes: { 'send-acknowledged': 3 }, findings: [] })
  change(sum)
  return sum
}

function result(change: Partial<CampaignResult> = {}): CampaignResult {
  return {
    runSeed: '4',
    totals: totals(),
    counterexamples: [],
    shrinkErrors: [],
    elapsedMs: 12_345,
    rssMaxBytes: 100 * 1024 * 1024,
    interrupted: false,
    ...change,
  }
}

function violated(): CampaignResult {
  const sum = totals()
  const report = { seed: '4-1', digest: 'd', events: 1, virtualMs: 1, wallMs: 1, runs: 3, faults: {}, probes: {} }
  sum.add(1, { ...report, findings: [FINDING] })
  const [total] = sum.findings
  if (total === undefined) throw new Error('no finding')
  const found: FoundCounterexample = {
    total,
    file: 'out/no-loss-4-1.json',
    counterexample: {
      scenario: SCENARIO,
      trials: 40,
      steps: 9,
      complete: true,
      finding: FINDING,
      digest: '0123456789abcdef',
      events: 100,
      virtualMs: 30,
      story: STORY,
    },
  }
  return result({ totals: sum, counterexamples: [found] })
}

describe('the end of a campaign', () => {
  it('shows a table and what to type next when everything held', () => {
    const text = campaignLines(result(), { faults: ['kill'] }, 2, PLAIN).join('\n')

    expect(text).toContain('trials         1, 0 run more than once: 0 divergences')
    expect(text).toContain('events         20,000')
    expect(text).toContain('virtual time   1 min 1 s')
    expect(text).toContain('faults         pause 5, kill 2')
    expect(text).toContain('violations     none')
    expect(text).toMatch(/never reached {2}acceptor-backlog-full/)
    expect(text).toContain('Every promised guarantee held in every trial.')
    expect(text).toContain('next: npm run explore -- --faults power-loss')
  })

  it('says how often groups were replaced, and whether that left a partition stuck', () => {
    const report = { seed: '4-1', digest: 'd', events: 1, virtualMs: 1, wallMs: 1, runs: 1, faults: {} }
    const probes = { 'group-redeployed': 1026, 'member-redeployed': 3100 }
    const stuck = { guarantee: 'group-converges', kind: 'group-does-not-converge', message: 'No owner.' } as const
    const linesOf = (findings: readonly (typeof stuck)[]): string[] =>
      campaignLines(result({ totals: totals(sum => sum.add(1, { ...report, probes, findings })) }), {}, 2, PLAIN)

    const row = 'redeploys      1026 of whole groups, 3100 of members: '
    expect(linesOf([])).toContain(`${row}no partition stuck`)
    expect(linesOf([stuck])).toContain(`${row}partitions stuck in 1 trial`)
    expect(campaignLines(result(), {}, 2, PLAIN).some(line => line.startsWith('redeploys'))).toBe(false)
  })

  it('tells what was violated in one sentence, the story, seed, file, digest and how to replay it', () => {
    const text = campaignLines(violated(), {}, 2, PLAIN).join('\n')

    expect(text).toContain('no-loss/acked-record-missing  Record p0-s0-r0 is gone.')
    expect(text).toContain('producer-0  kafkajs, acks=all, idempotent, awaits each send, unlimited retries')
    expect(text).toContain('fault       kill after Produce request 2, for 50 ms, pick 1')
    expect(text).toContain('12.500 ms  fault     kills broker-1 (kill -9)')
    expect(text).toContain('seed    4-1, the first of 1 trial with it')
    expect(text).toContain('shrunk  to 1 fault and 3 records in 40 trials')
    expect(text).toContain('digest  0123456789abcdef')
    expect(text).toContain('replay  npx kafka-trial replay out/no-loss-4-1.json')
    expect(text).toContain('no-loss/acked-record-missing in 1 trial, first 4-1')
    expect(text.endsWith('next: npx kafka-trial replay out/no-loss-4-1.json')).toBe(true)
  })

  it('says that its results cannot be trusted after a divergence or a lost worker', () => {
    const sum = totals(it => {
      it.addWorkerError('4-8', 'the worker ended with code 134')
      const report = { seed: '4-9', digest: 'd', events: 1, virtualMs: 1, wallMs: 1, runs: 2, faults: {}, probes: {} }
      const divergence = { index: 3, first: '#3 a', second: '#3 b', stack: 'Error: scheduled here\n  at x' }
      it.add(2, { ...report, findings: [], divergence })
    })
    const text = campaignLines(result({ totals: sum }), { client: 'kafkajs' }, 2, PLAIN).join('\n')

    expect(text).toContain('Trial 4-9 did not repeat itself')
    expect(text).toContain('second #3 b')
    expect(text).toContain('Trial 4-8: the worker ended with code 134')
    expect(text).toContain('2 defects of the harness')
    expect(text).toContain('npx kafka-trial replay 4-9 --client kafkajs')
  })

  it('has no line that is much longer than a terminal', () => {
    for (const line of campaignLines(violated(), {}, 2, PLAIN)) expect(line.length).toBeLessThan(125)
  })

  it('is the same as JSON', () => {
    const json = JSON.parse(JSON.stringify(campaignJson(violated(), { acks: 1 }, 2)))
    expect(json).toMatchObject({
      command: 'explore',
      exitCode: 1,
      seed: '4',
      trials: 2,
      faults: { kill: 2, pause: 5 },
      findings: [{ ...FINDING, trials: 1, firstSeed: '4-1' }],
      counterexamples: [
        { key: 'no-loss/acked-record-missing', file: 'out/no-loss-4-1.json', digest: '0123456789abcdef' },
      ],
    })
  })
})

describe('a replay', () => {
  const replay = {
    scenario: SCENARIO,
    digest: 'aaaa',
    events: 5,
    virtualMs: 9,
    wallMs: 1,
    findings: [FINDING],
    story: STORY,
  }
  const file = {
    format: 1,
    message: '',
    scenario: SCENARIO,
    expect: { guarantee: 'no-loss', kind: 'acked-record-missing', digest: 'aaaa' },
    versions: { kafkajs: '2.2.3' },
  } as const
  const report = { replay, file, versions: { kafkajs: '2.2.4' }, untilMs: undefined, traceFile: undefined }

  it('confirms the finding and the digest of its file', () => {
    expect(replayLines(report, PLAIN)).toContain(
      'As the file says: no-loss/acked-record-missing, with the same digest.',
    )
  })

  it('explains another digest by other versions', () => {
    const other = { ...report, replay: { ...replay, digest: 'bbbb' } }
    expect(replayLines(other, PLAIN).join('\n')).toContain('another digest than aaaa: kafkajs was 2.2.3 and is 2.2.4.')
  })

  it('says when the finding is gone', () => {
    const fixed = { ...report, replay: { ...replay, findings: [] } }
    expect(replayLines(fixed, PLAIN).join('\n')).toContain('does not appear any more')
  })

  it('does not claim anything was checked when it was stopped', () => {
    const stopped = { ...report, replay: { ...replay, findings: [] }, file: undefined, untilMs: 10 }
    const text = replayLines(stopped, PLAIN).join('\n')
    expect(text).toContain('Stopped at 10 virtual ms, before anything was checked.')
    expect(text).not.toContain('held')
  })
})

describe('a story', () => {
  it('takes runs of equal lines together', () => {
    const again = [1, 2, 3, 4].map(ms => ({ ms, who: 'producer-0', text: 'cannot connect' }))
    expect(storyLines([...STORY, ...again], PLAIN)).toHaveLength(3)
    expect(storyLines(again, PLAIN)[0]).toContain('cannot connect  (3 times more, until 4.000 ms)')
    expect(storyLines(again.slice(0, 2), PLAIN)).toHaveLength(2)
  })

  it('leaves out the middle of a very long one and says so', () => {
    const long = Array.from({ length: 50 }, (_, ms) => ({ ms, who: 'trial', text: `step ${ms}` }))
    const lines = storyLines(long, PLAIN, 10)
    expect(lines).toHaveLength(11)
    expect(lines[5]).toContain('40 lines left out')
  })
})

describe('progress', () => {
  function at(elapsedMs: number, change: Partial<Progress> = {}): Progress {
    return { phase: 'trials', totals: totals(), trials: 100, timeMs: undefined, elapsedMs, ...change }
  }

  it('fills a log with one line every five seconds at most', () => {
    const lines: string[] = []
    const progress = new ProgressLines(line => lines.push(line))
    for (const ms of [100, 4999, 5000, 5100, 9999, 10_000]) progress.update(at(ms))
    expect(lines).toEqual(['1 of 100 trials, 5.0 s, no violations', '1 of 100 trials, 10.0 s, no violations'])
  })

  it('says what is being shrunk', () => {
    const lines: string[] = []
    const shrinking = { finding: FINDING, count: 1, firstTrial: 1, firstSeed: '4-1' }
    new ProgressLines(line => lines.push(line)).update(at(1, { phase: 'shrinking', shrinking }))
    expect(lines).toEqual(['shrinking no-loss/acked-record-missing of trial 4-1'])
  })

  it.each([
    [at(1), [100, 1]],
    [at(700, { trials: undefined, timeMs: 1000 }), [1000, 700]],
    [at(1700, { trials: undefined, timeMs: 1000 }), [1000, 1000]],
  ])('moves a bar by trials, or by time', (progress, expected) => {
    const calls: number[] = []
    const bar: Bar = {
      start: total => calls.push(total),
      update: value => calls.push(value),
      stop: () => undefined,
    }
    new ProgressBar(bar).update(progress)
    expect(calls).toEqual(expected)
  })
})

describe('commands', () => {
  it('repeat every flag that decides what is generated, quoted for a shell', () => {
    const options = {
      client: 'kafkajs',
      faults: [],
      set: { 'log.dirs': "a 'b'" },
      require: ['order', 'no-duplicates'],
      acks: -1,
      idempotent: false,
      maxInFlight: 3,
      retries: 0,
      sequential: true,
    } as const
    expect(replayCommand('4-1', options)).toBe(
      `npx kafka-trial replay 4-1 --client kafkajs --faults none --set 'log.dirs=a '\\''b'\\''' --require order,no-duplicates --acks all --no-idempotent --max-in-flight 3 --retries 0 --sequential`,
    )
    expect(exploreCommand({ idempotent: true }, ['--time', '10m'])).toBe('npm run explore -- --idempotent --time 10m')
  })
})

describe('formats', () => {
  it.each([
    [0, '0'],
    [9999, '9999'],
    [10_000, '10,000'],
    [1_234_567, '1,234,567'],
  ])('writes %i as %s', (value, text) => expect(formatCount(value)).toBe(text))

  it.each([
    [999, '999 ms'],
    [59_999, '59.9 s'],
    [60_000, '1 min 0 s'],
    [7_980_000, '2 h 13 min'],
  ])('writes %i ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

  it('lists counts by size, then by name', () => {
    expect(
      formatCounts(
        new Map([
          ['b', 1],
          ['c', 7],
          ['a', 1],
        ]),
      ),
    ).toBe('c 7, a 1, b 1')
  })

  it('breaks lines at spaces', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three'])
    expect(wrap('unbreakable', 3)).toEqual(['unbreakable'])
  })
})

describe('style', () => {
  it('colours only terminals whose user did not say no', () => {
    expect(wantsColour({ isTTY: true }, {})).toBe(true)
    expect(wantsColour({ isTTY: true }, { NO_COLOR: '1' })).toBe(false)
    expect(wantsColour({}, {})).toBe(false)
    expect(createStyle(true).bad('x')).toContain(ESCAPE)
    expect(PLAIN.bad('x')).toBe('x')
  })

  it('does not redraw lines in the log of a CI', () => {
    expect(isInteractive({ isTTY: true }, {})).toBe(true)
    expect(isInteractive({ isTTY: true }, { CI: 'true' })).toBe(false)
    expect(isInteractive({ isTTY: true }, { TERM: 'dumb' })).toBe(false)
  })
})
