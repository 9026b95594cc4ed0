import { describe, expect, it } from 'vitest'
import { order } from '../../harness/checkers/order.ts'
import { History } from '../../harness/history/history.ts'
import { healthy, indeterminate, invoke, kinds, log, ok } from './support.ts'

function twoSends(): History {
  const history = new History()
  invoke(history, { send: 0 }, ok())
  invoke(history, { send: 1 }, ok())
  return history
}

describe('order', () => {
  it('is content when records stand in the order of their sends', () => {
    expect(order(healthy())).toEqual([])
  })

  it('finds a later send before an earlier one', () => {
    const violations = order(healthy({ history: twoSends(), logs: [log(['p0-s1-r0', 'p0-s0-r0'])] }))

    expect(violations).toEqual([
      {
        guarantee: 'order',
        kind: 'reordered-records',
        message:
          'Producer 0 sent record p0-s0-r0 at 0 ms and record p0-s1-r0 at 10 ms to partition 0 and both were acknowledged, but p0-s1-r0 stands at offset 0, before p0-s0-r0 at offset 1.',
      },
    ])
  })

  it('judges first copies: a duplicate may come late', () => {
    const logs = [log(['p0-s0-r0', 'p0-s1-r0', 'p0-s0-r0'])]
    expect(order(healthy({ history: twoSends(), logs }))).toEqual([])
  })

  it('judges first copies: a late first copy is late even if more follow', () => {
    const logs = [log(['p0-s1-r0', 'p0-s0-r0', 'p0-s1-r0'])]
    expect(kinds(order(healthy({ history: twoSends(), logs })))).toEqual(['reordered-records'])
  })

  it('finds records of one send that changed places', () => {
    const history = new History()
    invoke(history, { send: 0, records: 2 }, ok())

    const violations = order(healthy({ history, logs: [log(['p0-s0-r1', 'p0-s0-r0'])] }))
    expect(kinds(violations)).toEqual(['reordered-within-send'])
  })

  it('does not judge sends without acknowledgement, nor missing records', () => {
    const history = new History()
    invoke(history, { send: 0 }, indeterminate())
    invoke(history, { send: 1, acks: 0 }, ok())
    invoke(history, { send: 2 }, ok())
    invoke(history, { send: 3 }, ok())

    expect(order(healthy({ history, logs: [log(['p0-s3-r0', 'p0-s1-r0', 'p0-s0-r0'])] }))).toEqual([])
  })

  it('compares neither different producers nor different partitions', () => {
    const history = new History()
    invoke(history, { send: 0 }, ok())
    invoke(history, { send: 1, partition: 1 }, ok())
    invoke(history, { producer: 1, send: 0 }, ok())

    const logs = [log(['p1-s0-r0', 'p0-s0-r0']), log(['p0-s1-r0'], { partition: 1 })]
    expect(order(healthy({ history, logs }))).toEqual([])
  })

  it('reports the first inversion of a producer and partition, not each that follows from it', () => {
    const history = twoSends()
    invoke(history, { send: 2 }, ok())

    const logs = [log(['p0-s2-r0', 'p0-s1-r0', 'p0-s0-r0'])]
    expect(order(healthy({ history, logs }))).toHaveLength(1)
  })
})
