import { describe, expect, it } from 'vitest'
import type { Scenario } from '../../harness/trial/scenario.ts'
import { changesFor, combinations, suggest, worthMending } from '../../harness/verdict/suggest.ts'
import { fakeTrial, HOLDS, LOSES, type Verdict } from '../explore/fake-trial.ts'
import { LocalWorkforce } from '../support/local-workforce.ts'
import { planFor } from './support.ts'

function settings(changes: readonly { readonly setting: string }[]): string {
  return changes.map(({ setting }) => setting).join(' ')
}

/** A world in which only acks=all with two in-sync replicas keeps records. */
function judge({ workload, cluster }: Scenario): Verdict {
  const all = workload.producers.every(({ acks }) => acks === -1)
  return all && Number(cluster.topic.config['min.insync.replicas']) >= 2 ? HOLDS : LOSES
}

describe('changes', () => {
  it('are what may help against what was broken, no more', () => {
    const { configuration } = planFor({ acks: 1, uncleanLeaderElection: true })
    expect(changesFor(configuration, ['loss']).map(({ setting }) => setting)).toEqual([
      'acks=all',
      'unclean.leader.election.enable=false',
      'min.insync.replicas=2',
      'min.insync.replicas=3',
      'log.flush.interval.messages=1',
    ])
    expect(changesFor(configuration, ['duplicates']).map(({ setting }) => setting)).toEqual(['enable.idempotence=true'])
    expect(changesFor(configuration, ['availability'])).toEqual([])
  })

  it('of a group are when it commits and what its effects go to, before what producers do', () => {
    const before = planFor({ client: 'kafkajs', commit: 'before' }).configuration
    expect(changesFor(before, ['at-least-once', 'effectively-once']).map(({ setting }) => setting)).toEqual([
      'commit=after',
      'sink=idempotent',
      'min.insync.replicas=2',
      'min.insync.replicas=3',
      'log.flush.interval.messages=1',
    ])
    const [after, sink] = changesFor(before, ['effectively-once'])
    expect(sink?.apply(after?.apply(before) ?? before).consumer).toMatchObject({ commit: 'after', sink: 'idempotent' })
  })

  it('of a group turn automatic commits off only for clients that commit too early', () => {
    const first = (client: 'platformatic' | 'java-semantics'): string | undefined =>
      changesFor(planFor({ client, enableAutoCommit: true }).configuration, ['at-least-once'])[0]?.setting
    expect(first('platformatic')).toBe('enable.auto.commit=false')
    expect(first('java-semantics')).toBe('min.insync.replicas=2')
  })

  it('are not looked for when records are processed twice: who never repeats one skips some', () => {
    const plan = planFor({ client: 'kafkajs', commit: 'after' })
    expect(worthMending(plan, ['at-most-once'])).toEqual([])
    const twice = planFor({ client: 'java-semantics', commit: 'before' })
    expect(worthMending(twice, ['at-least-once', 'at-most-once'])).toEqual(['at-least-once'])
    expect(worthMending(plan, ['at-most-once', 'effectively-once'])).toEqual(['effectively-once'])
  })

  it('are not looked for where it is the client that does otherwise, whatever its settings', () => {
    const plan = planFor({ client: 'platformatic', enableAutoCommit: true })
    expect(worthMending(plan, ['at-least-once', 'effectively-once', 'order', 'commits'])).toEqual([
      'at-least-once',
      'effectively-once',
    ])
    expect(worthMending(planFor(), ['order'])).toEqual(['order'])
  })

  it('are combined with the fewest first, never two values of one setting', () => {
    const { configuration } = planFor({ acks: 1 })
    const sets = combinations(changesFor(configuration, ['loss'])).map(settings)
    expect(sets.slice(0, 5)).toEqual([
      'acks=all',
      'min.insync.replicas=2',
      'min.insync.replicas=3',
      'log.flush.interval.messages=1',
      'acks=all min.insync.replicas=2',
    ])
    expect(sets).not.toContain('min.insync.replicas=2 min.insync.replicas=3')
  })
})

describe('a suggestion', () => {
  it('is the smallest change with which everything held', async () => {
    const tried: string[] = []
    const suggestion = await suggest(new LocalWorkforce(fakeTrial(judge)), {
      plan: planFor({ acks: 1 }),
      judge: ['loss'],
      runSeed: '2',
      trials: 8,
      nowMs: () => 0,
      onAttempt: changes => tried.push(settings(changes)),
    })

    expect(settings(suggestion.found?.changes ?? [])).toBe('acks=all min.insync.replicas=2')
    expect(suggestion.found?.result.totals.trials).toBe(8)
    expect(tried).toHaveLength(5)
    expect(suggestion.attempts.map(({ held }) => held)).toEqual([false, false, false, false, true])
  })

  it('is none when nothing held, or when time was up before all was tried', async () => {
    const workforce = new LocalWorkforce(fakeTrial(() => LOSES))
    const options = { plan: planFor({ acks: 1 }), judge: ['loss'], runSeed: '2', trials: 4 } as const
    const all = await suggest(workforce, { ...options, nowMs: () => 0 })
    expect(all.found).toBeUndefined()
    expect(all.untried).toBe(0)

    let now = 0
    const some = await suggest(workforce, { ...options, timeMs: 10, nowMs: () => now++ })
    expect(some.found).toBeUndefined()
    expect(some.untried).toBeGreaterThan(0)
  })
})
