import { describe, expect, it } from 'vitest'
import { noSilentLoss } from '../../harness/checkers/no-silent-loss.ts'
import { History } from '../../harness/history/history.ts'
import { failed, healthy, indeterminate, invoke, log, ok } from './support.ts'

describe('no-silent-loss', () => {
  it('misses a record that acks=0 called done', () => {
    const history = new History()
    invoke(history, { send: 0, acks: 0 }, ok(undefined, 5))

    expect(noSilentLoss(healthy({ history, logs: [log([])] }))).toEqual([
      {
        guarantee: 'no-silent-loss',
        kind: 'acked-record-missing',
        message:
          'Record p0-s0-r0 of producer 0 was acknowledged at 5 ms (acks=0, partition 0), but it is nowhere in the log, in which partition 0 has offsets 0 up to 0.',
      },
    ])
  })

  it('expects nothing of sends that failed, are open or indeterminate', () => {
    const history = new History()
    invoke(history, { send: 0, acks: 0 }, failed('MESSAGE_TOO_LARGE'))
    invoke(history, { send: 1, acks: 0 })
    invoke(history, { send: 2, acks: 0 }, indeterminate())

    expect(noSilentLoss(healthy({ history, logs: [log([])] }))).toEqual([])
  })
})
