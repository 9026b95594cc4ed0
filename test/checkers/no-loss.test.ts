import { describe, expect, it } from 'vitest'
import { noLoss } from '../../harness/checkers/no-loss.ts'
import { History } from '../../harness/history/history.ts'
import { failed, healthy, indeterminate, invoke, kinds, log, ok, PRODUCER, scenarioOf } from './support.ts'

describe('no-loss', () => {
  it('is content when every acknowledged record is in the log', () => {
    expect(noLoss(healthy())).toEqual([])
  })

  it('misses an acknowledged record and says which, by whom, when and where', () => {
    const history = new History()
    invoke(history, { send: 0, records: 2 }, ok(4, 5))

    const violations = noLoss(healthy({ history, logs: [log(['p0-s0-r0'])] }))

    expect(violations).toEqual([
      {
        guarantee: 'no-loss',
        kind: 'acked-record-missing',
        message:
          'Record p0-s0-r1 of producer 0 was acknowledged at 5 ms (acks=-1, offset 5 of partition 0), but it is nowhere in the log, in which partition 0 has offsets 0 up to 1.',
      },
    ])
  })

  it('does not take the "ok" of acks=0 for an acknowledgement', () => {
    const history = new History()
    invoke(history, { send: 0, acks: 0 }, ok())

    expect(noLoss(healthy({ history, logs: [log([])] }))).toEqual([])
  })

  it('expects nothing of sends that failed, are open or indeterminate', () => {
    const history = new History()
    invoke(history, { send: 0 }, failed('MESSAGE_TOO_LARGE'))
    invoke(history, { send: 1 })
    invoke(history, { send: 2 }, indeterminate())

    expect(noLoss(healthy({ history, logs: [log([])] }))).toEqual([])
  })

  it('does not miss what retention may have taken below the start of the log, but misses what lies at it', () => {
    const history = new History()
    invoke(history, { send: 0 }, ok(9))
    invoke(history, { send: 1 }, ok(10))
    invoke(history, { send: 2 }, ok())

    const scenario = scenarioOf([PRODUCER])
    const { cluster } = scenario
    const logs = [log(['p0-s3-r0'], { start: 10 })]
    const missed = (config: Record<string, string>): string[] =>
      noLoss(healthy({ scenario: { ...scenario, cluster: { ...cluster, config } }, history, logs })).map(
        ({ message }) => message.slice(0, 15),
      )

    expect(missed({ 'log.retention.ms': '1000' })).toEqual(['Record p0-s1-r0'])
    expect(missed({ 'log.retention.check.interval.ms': '10' })).toHaveLength(3)
  })

  it('misses records of a partition that could not be read', () => {
    expect(kinds(noLoss(healthy({ logs: [] })))).toHaveLength(4)
  })
})
