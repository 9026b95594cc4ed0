import { describe, expect, it } from 'vitest'
import { boundedQueues } from '../../harness/checkers/bounded-queues.ts'
import { dropsDeadConnections } from '../../harness/checkers/drops-dead-connections.ts'
import { everySendSettles } from '../../harness/checkers/every-send-settles.ts'
import { noBusyTimers } from '../../harness/checkers/no-busy-timers.ts'
import { recovers } from '../../harness/checkers/recovers.ts'
import { wellFormedLog } from '../../harness/checkers/well-formed-log.ts'
import { History } from '../../harness/history/history.ts'
import { failed, healthy, indeterminate, invoke, kinds, ok } from './support.ts'

describe('well-formed-log', () => {
  it('is content without findings', () => {
    expect(wellFormedLog(healthy())).toEqual([])
  })

  it('reports each finding with its file', () => {
    const disk = [
      { node: 2, file: 'data/records-0/00000000000000000000.index', message: 'entry 2 points behind the log' },
    ]
    expect(wellFormedLog(healthy({ disk }))).toEqual([
      {
        guarantee: 'well-formed-log',
        kind: 'malformed-log-file',
        message:
          'The file data/records-0/00000000000000000000.index of node 2 is not well-formed: entry 2 points behind the log.',
      },
    ])
  })
})

describe('every-send-settles', () => {
  it('is content when each settled once, however it ended', () => {
    const history = new History()
    invoke(history, { send: 0 }, ok())
    invoke(history, { send: 1 }, failed('MESSAGE_TOO_LARGE'))
    invoke(history, { send: 2 }, indeterminate())
    expect(everySendSettles(healthy({ history }))).toEqual([])
  })

  it('finds a send that is still open', () => {
    const history = new History()
    invoke(history, { send: 4, records: 3 })
    const [violation] = everySendSettles(healthy({ history }))
    expect(violation?.kind).toBe('send-never-settles')
    expect(violation?.message).toBe(
      'The send of p0-s4-r0 … p0-s4-r2 by producer 0 at 40 ms was still open when the trial stopped waiting at 1100 ms.',
    )
  })

  it('finds a send that settled twice', () => {
    const history = new History()
    history.settle(invoke(history, { send: 0 }, ok()), indeterminate())
    expect(kinds(everySendSettles(healthy({ history })))).toEqual(['send-settles-twice'])
  })
})

describe('bounded-queues', () => {
  it('is content with a queue exactly at its bound', () => {
    expect(boundedQueues(healthy({ queues: [{ node: 1, name: 'RequestQueueSize', bound: 1, most: 1 }] }))).toEqual([])
  })

  it('finds a queue over its bound', () => {
    const queues = [{ node: 1, name: 'RequestQueueSize', bound: 1, most: 2 }]
    expect(boundedQueues(healthy({ queues }))).toEqual([
      {
        guarantee: 'bounded-queues',
        kind: 'queue-over-bound',
        message: 'RequestQueueSize of node 1 is bounded at 1, but held 2.',
      },
    ])
  })

  it.each([
    [{ node: 3, received: 5, answered: 3, abandoned: 1 }, '1 are missing'],
    [{ node: 3, received: 5, answered: 6, abandoned: 0 }, '1 too many'],
  ])('finds requests that do not add up: %o', (balance, why) => {
    const violations = boundedQueues(healthy({ requests: [balance] }))
    expect(kinds(violations)).toEqual(['request-unaccounted'])
    expect(violations[0]?.message).toContain(why)
  })

  it.each([
    [0, []],
    [16_384, ['memory-not-given-back']],
  ])(
    'asks a producer that has nothing to send for all of its memory: of %i bytes it says %j',
    (heldBytes, expected) => {
      const conduct = [
        { producer: 1, idleTimersPerSecond: 0, requestsOnDeadConnection: 0, deadConnectionMs: 0, heldBytes },
      ]
      expect(kinds(boundedQueues(healthy({ conduct })))).toEqual(expected)
    },
  )
})

describe('recovers', () => {
  it('is content when one further send succeeded after others failed', () => {
    const history = new History()
    invoke(history, { send: 1_000_000, afterHealing: true }, indeterminate())
    invoke(history, { send: 1_000_001, afterHealing: true }, ok())
    expect(recovers(healthy({ history }))).toEqual([])
  })

  it('is not content with a success from before healing', () => {
    const history = new History()
    invoke(history, { send: 0 }, ok())
    invoke(history, { send: 1_000_000, afterHealing: true }, indeterminate())
    const [violation] = recovers(healthy({ history }))
    expect(violation?.kind).toBe('producer-does-not-recover')
    expect(violation?.message).toBe(
      'All faults had ended at 900 ms, but producer 0 (kafkajs) got none of 1 further send through by 1100 ms (timed out).',
    )
  })

  it('finds a producer that made no further send at all', () => {
    const [violation] = recovers(healthy({ history: new History() }))
    expect(violation?.message).toContain('could not even send')
  })
})

describe('no-busy-timers', () => {
  it.each([
    [100, []],
    [101, ['busy-timers']],
  ])('with %i timers in the busiest quiet second finds %o', (idleTimersPerSecond, expected) => {
    const conduct = [{ producer: 0, idleTimersPerSecond, requestsOnDeadConnection: 0, deadConnectionMs: 0 }]
    expect(kinds(noBusyTimers(healthy({ conduct })))).toEqual(expected)
  })
})

describe('drops-dead-connections', () => {
  it.each([
    [1, 60_000, []],
    [0, 60_001, []],
    [1, 60_001, ['reuses-dead-connection']],
  ])('with %i requests in %i ms of silence finds %o', (requestsOnDeadConnection, deadConnectionMs, expected) => {
    const conduct = [{ producer: 0, idleTimersPerSecond: 0, requestsOnDeadConnection, deadConnectionMs }]
    expect(kinds(dropsDeadConnections(healthy({ conduct })))).toEqual(expected)
  })
})
