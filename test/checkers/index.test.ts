import { describe, expect, it } from 'vitest'
import { CHECKERS, check } from '../../harness/checkers/index.ts'
import { History } from '../../harness/history/history.ts'
import { GUARANTEE_NAMES } from '../../harness/trial/scenario.ts'
import { healthy, invoke, log, ok, PRODUCER, scenarioOf } from './support.ts'

describe('check', () => {
  it('knows a checker for every guarantee', () => {
    expect(Object.keys(CHECKERS)).toEqual([...GUARANTEE_NAMES])
  })

  it('is content with a healthy trial, whatever is asked for', () => {
    expect(check(healthy({ scenario: scenarioOf([PRODUCER], GUARANTEE_NAMES) }))).toEqual([])
  })

  it('judges only what the scenario asks for', () => {
    const duplicated = { logs: [log(['p0-s0-r0', 'p0-s0-r1', 'p0-s1-r0', 'p0-s0-r0'])] }

    expect(check(healthy({ ...duplicated, scenario: scenarioOf([PRODUCER], ['order']) }))).toEqual([])
    const asked = check(healthy({ ...duplicated, scenario: scenarioOf([PRODUCER], ['order', 'no-duplicates']) }))
    expect(asked.map(({ guarantee }) => guarantee)).toEqual(['no-duplicates'])
  })

  it('labels every violation with the guarantee it was asked for', () => {
    const history = new History()
    invoke(history, { send: 0 }, ok(3))
    invoke(history, { send: 1 }, ok(5))
    const scenario = scenarioOf([PRODUCER], GUARANTEE_NAMES)
    const conduct = [{ producer: 0, idleTimersPerSecond: 999, requestsOnDeadConnection: 9, deadConnectionMs: 99_999 }]
    const requests = [{ node: 1, received: 1, answered: 0, abandoned: 0 }]
    const violations = check(
      healthy({ scenario, history, conduct, requests, logs: [log(['p9-s0-r0', 'p9-s0-r0', 'p0-s1-r0'])] }),
    )

    expect([...new Set(violations.map(({ guarantee }) => guarantee))]).toEqual([
      'no-loss',
      'no-silent-loss',
      'no-unexplained-loss',
      'no-phantoms',
      'stable-offsets',
      'acks-all-means-replicated',
      'bounded-queues',
      'recovers',
      'client-recovers',
      'no-busy-timers',
      'drops-dead-connections',
    ])
  })

  it('misses no records of a cluster that did not recover', () => {
    const history = new History()
    invoke(history, { send: 0 }, ok())
    const lost = { history, logs: [], scenario: scenarioOf([PRODUCER], ['no-loss', 'cluster-recovers']) }

    const stuck = { recovered: false, tookMs: 300_000, missing: ['records-0 has no leader'] }
    expect(check(healthy({ ...lost, recovery: stuck })).map(({ kind }) => kind)).toEqual(['cluster-not-whole'])
    expect(check(healthy(lost)).map(({ kind }) => kind)).toEqual(['acked-record-missing'])
  })

  it('keeps at most 20 violations of one kind', () => {
    const history = new History()
    for (let send = 0; send < 30; send++) invoke(history, { send }, ok())
    const scenario = scenarioOf([PRODUCER], ['no-loss'])

    expect(check(healthy({ scenario, history, logs: [log([])] }))).toHaveLength(20)
  })
})
