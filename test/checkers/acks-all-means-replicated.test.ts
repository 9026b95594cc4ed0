import { describe, expect, it } from 'vitest'
import { acksAllMeansReplicated } from '../../harness/checkers/acks-all-means-replicated.ts'
import { History } from '../../harness/history/history.ts'
import { historyOf, partitionState, replica, Script, scripted } from './cluster-support.ts'
import { invoke, kinds, ok } from './support.ts'

const judge = (script: Script, changes = {}) => kinds(acksAllMeansReplicated(scripted(script, changes)))

/** A send with offset 0 that was acknowledged so. */
function acknowledged(acks: -1 | 1, atMs: number): History {
  const history = new History()
  invoke(history, { send: 0, acks, invokedMs: 0 }, ok(0, atMs))
  return history
}

describe('acks-all-means-replicated', () => {
  it('is content when all in-sync replicas hold what is committed', () => {
    expect(judge(new Script().leads(1, 0, 0).appends(1, 0, 0).copies(0, 0, 2, 3).commits(1, 1))).toEqual([])
  })

  it('is content when a follower has what its leader has not told yet', () => {
    expect(judge(new Script().leads(1, 0, 0).copies(0, 0, 2, 3).commits(1, 1).appends(1, 0, 0))).toEqual([])
  })

  it('finds a high watermark beyond the log of an in-sync replica', () => {
    const script = new Script().leads(1, 0, 0).appends(1, 0, 0).copies(0, 0, 2).commits(1, 1)

    expect(acksAllMeansReplicated(scripted(script))).toEqual([
      {
        guarantee: 'acks-all-means-replicated',
        kind: 'in-sync-replica-lacks-committed',
        message:
          'Partition 0: at 6 ms node 1 has the high watermark 1 and the in-sync replicas 1, 2, 3, of which 3 lacks offset 0.',
      },
    ])
  })

  it('finds an in-sync replica that holds something else', () => {
    const script = new Script().leads(1, 0, 0).appends(1, 0, 0).copies(0, 0, 2).leads(3, 1, 0).appends(3, 1, 0)
    script.copies(1, 0, 1).commits(3, 1)

    expect(judge(script)).toContain('in-sync-replica-lacks-committed')
  })

  it('does not count who is out of sync, but who joins', () => {
    const script = new Script().leads(1, 0, 0).add(1, { kind: 'isr-committed', isr: [1, 2], partitionEpoch: 1 })
    script.appends(1, 0, 0).copies(0, 0, 2).commits(1, 1)
    expect(judge(script)).toEqual([])

    script.add(1, { kind: 'isr-committed', isr: [1, 2, 3], partitionEpoch: 2 })
    expect(judge(script)).toEqual(['in-sync-replica-lacks-committed'])
  })

  it('does not judge an in-sync replica of which nobody knows what it holds after its end', () => {
    const script = new Script().leads(1, 0, 0).appends(1, 0, 0).copies(0, 0, 2).restarts(3).commits(1, 1)

    expect(judge(script)).toEqual([])
  })

  it('finds a high watermark that moves with too few in-sync replicas', () => {
    const alone = new Script().leads(1, 0, 0).add(1, { kind: 'isr-committed', isr: [1], partitionEpoch: 1 })
    alone.appends(1, 0, 0).commits(1, 1)

    expect(judge(alone, { partitionHistory: historyOf({}, { isr: [1] }) })).toEqual(['committed-below-min-isr'])
    // As many as there are replicas are enough.
    expect(judge(alone, { partitionHistory: historyOf({}, { isr: [1], replicas: [1] }) })).toEqual([])
  })

  it('finds a send with acks=all that was acknowledged before it was committed', () => {
    const script = new Script().leads(1, 0, 0).appends(1, 0, 0).copies(0, 0, 2, 3).commits(1, 1)

    expect(judge(script, { history: acknowledged(-1, 8) })).toEqual([])
    expect(judge(script, { history: acknowledged(-1, 6) })).toEqual(['acknowledged-before-committed'])
    expect(judge(script, { history: acknowledged(1, 6) })).toEqual([])
  })

  it('finds a leader that begins with more than was ever committed, and a follower that is told more', () => {
    const begins = (highWatermark: number) =>
      judge(new Script().leads(1, 0, 0).add(2, { kind: 'became-leader', epoch: 1, endOffset: 0, highWatermark }))

    expect(begins(0)).toEqual([])
    expect(begins(1)).toEqual(['unearned-high-watermark'])
    const told = new Script().leads(1, 0, 0).appends(1, 0, 0).copies(0, 0, 2, 3).commits(2, 1, false)
    expect(judge(told)).toEqual(['unearned-high-watermark'])
  })

  it('finds a leader that counts on another ISR than the controller has committed', () => {
    const script = new Script().leads(1, 0, 0)

    expect(judge(script, { partitionHistory: historyOf({ isr: [3, 2, 1] }) })).toEqual([])
    expect(judge(script, { partitionHistory: historyOf({ isr: [1, 2] }) })).toEqual(['isr-was-not-committed'])
  })

  it('finds what is not committed although all is quiet', () => {
    const partitions = [partitionState()]
    const leader = (highWatermark: number | undefined) => [replica(1, [0, 0], { highWatermark })]

    expect(judge(new Script(), { partitions, replicas: leader(2) })).toEqual([])
    expect(judge(new Script(), { partitions, replicas: leader(undefined) })).toEqual([])
    expect(judge(new Script(), { partitions, replicas: leader(1) })).toEqual(['uncommitted-at-end'])
    const recovery = { recovered: false, tookMs: 9, missing: ['a broker'] }
    expect(judge(new Script(), { partitions, replicas: leader(1), recovery })).toEqual([])
  })

  it('does not ask it of what came after the last look', () => {
    const script = new Script().leads(1, 0, 0).appends(1, 0, 1)
    const evidence = { partitions: [partitionState()], replicas: [replica(1, [0, 0], { highWatermark: 1 })] }

    expect(judge(script, { ...evidence, endedMs: script.ms - 2 })).toEqual([])
    expect(judge(script, { ...evidence, endedMs: script.ms })).toEqual(['uncommitted-at-end'])
  })

  it('does not judge what was acknowledged after the last event that there was room for', () => {
    const { events } = new Script().leads(1, 0, 0)

    expect(judge(new Script(), { history: acknowledged(-1, 9), observed: { events, dropped: 1 } })).toEqual([])
  })
})
