import { describe, expect, it } from 'vitest'
import { committedStays } from '../../harness/checkers/committed-stays.ts'
import { clusterOf, historyOf, partitionState, replica, Script, scripted } from './cluster-support.ts'
import { kinds } from './support.ts'

/** Offset 0 is committed in epoch 0; offset 1 is in the leader's log only. */
function oneCommitted(): Script {
  return new Script().leads(1, 0, 0).appends(1, 0, 0).copies(0, 0, 2, 3).commits(1, 1).appends(1, 0, 1)
}

const judge = (script: Script, changes = {}) => kinds(committedStays(scripted(script, changes)))

describe('committed-stays', () => {
  it('is content when what a new leader lacks was never committed, and is cut off', () => {
    const script = oneCommitted().restarts(1).leads(2, 1, 1, [2, 3]).appends(2, 1, 1).copies(1, 1, 3).commits(2, 2)
    script.follows(1, 1, 2, 2).cuts(1, 1, 1).copies(1, 1, 1)

    expect(judge(script)).toEqual([])
  })

  it('lets a new leader begin with a lower high watermark, but no leader lower its own', () => {
    expect(judge(oneCommitted().restarts(1).leads(2, 1, 1, [2, 3]).commits(2, 0).commits(2, 1))).toEqual([])
    expect(judge(oneCommitted().commits(1, 0))).toEqual(['high-watermark-falls'])
  })

  it('lets a follower follow a high watermark down', () => {
    expect(judge(oneCommitted().commits(2, 1, false).commits(2, 0, false))).toEqual([])
  })

  it('finds a replica that cuts its log below its high watermark', () => {
    expect(judge(oneCommitted().cuts(2, 0, 1))).toEqual(['cut-below-high-watermark'])
  })

  it('finds a replica that cuts off what it holds and is committed, although its own high watermark lags', () => {
    expect(judge(oneCommitted().cuts(2, 0, 0))).toEqual(['committed-cut'])
  })

  it('takes a log that is shorter after a restart for cut if that had begun, but finds what was cut off', () => {
    const cutting = (toOffset: number, endOffset: number) => {
      const script = oneCommitted().copies(0, 1, 2).add(2, { kind: 'truncating', toOffset, highWatermark: 0 })
      return judge(script.restarts(2).follows(2, 1, 1, endOffset))
    }

    expect(cutting(1, 1)).toEqual([])
    expect(cutting(1, 2)).toEqual([])
    expect(cutting(1, 0)).toEqual(['log-shrinks-unseen'])
    expect(cutting(0, 0)).toEqual(['committed-cut'])
  })

  it('takes a log that is empty after a restart for deleted if that had begun', () => {
    const deleting = (script: Script) => judge(script.restarts(2).follows(2, 1, 1, 0))

    expect(deleting(oneCommitted().add(2, { kind: 'deleting' }))).toEqual([])
    expect(deleting(oneCommitted())).toEqual(['log-shrinks-unseen'])
  })

  it('finds a leader without what was committed', () => {
    const script = new Script().leads(1, 0, 0).follows(3, 0, 1, 0).appends(1, 0, 0).copies(0, 0, 2).commits(1, 1)

    expect(committedStays(scripted(script.leads(3, 1, 0)))[0]?.message).toBe(
      `Partition 0: at ${script.ms - 4} ms node 3 became the leader in epoch 1 without offset 0, which was committed in epoch 0.`,
    )
  })

  it('finds a committed record that another one has replaced', () => {
    const script = oneCommitted().follows(3, 0, 1, 1)
    script.cuts(3, 0, 0).leads(3, 1, 0, [3]).appends(3, 1, 0).commits(3, 1)

    expect(judge(script)).toEqual(['committed-cut', 'leader-lacks-committed', 'committed-replaced'])
  })

  it('does not judge what follows from an unclean election', () => {
    const script = new Script().leads(1, 0, 0).follows(3, 0, 1, 0).appends(1, 0, 0).copies(0, 0, 2).commits(1, 1)
    script.leads(3, 1, 0, [3]).appends(3, 1, 0).commits(3, 1).follows(2, 1, 3, 1).cuts(2, 0, 1)
    const partitionHistory = historyOf({}, { leader: 3, leaderEpoch: 1, isr: [3], recovering: true })

    expect(judge(script, { partitionHistory })).toEqual([])
    expect(judge(script, { partitionHistory: historyOf({}, { leader: 3, leaderEpoch: 1, isr: [3] }) })).not.toEqual([])
  })

  it('does not judge what follows from the election of a replica that a power loss has shortened', () => {
    const crash = (how: 'kill' | 'power-loss') => {
      const script = new Script().leads(1, 0, 0, [1]).appends(1, 0, 0).commits(1, 1).follows(2, 0, 1, 0).copies(0, 0, 2)
      return script.commits(2, 1, false).restarts(1, how).leads(1, 1, 0, [1]).cuts(2, 0, 1)
    }

    expect(judge(crash('power-loss'))).toEqual([])
    expect(judge(crash('kill'))).toEqual(['log-shrinks-unseen', 'leader-lacks-committed', 'cut-below-high-watermark'])
  })

  it('asks of a log in which every append is flushed that it survives a power loss', () => {
    const script = new Script()
      .leads(1, 0, 0, [1])
      .appends(1, 0, 0)
      .commits(1, 1)
      .restarts(1, 'power-loss')
      .leads(1, 1, 0, [1])
    const { scenario } = clusterOf()
    const config = { 'log.flush.interval.messages': '1' }

    expect(judge(script)).toEqual([])
    expect(judge(script, { scenario: { ...scenario, cluster: { ...scenario.cluster, config } } })).toEqual([
      'log-shrinks-unseen',
      'leader-lacks-committed',
    ])
  })

  it('does not ask that of what followers had before their leader had flushed it', () => {
    const script = new Script().leads(1, 0, 0, [1, 2]).copies(0, 0, 2).commits(1, 1).restarts(1, 'power-loss')
    script.leads(2, 1, 1, [2]).follows(1, 1, 2, 0).copies(1, 0, 1)
    const { scenario } = clusterOf()
    const config = { 'log.flush.interval.messages': '1' }

    expect(judge(script, { scenario: { ...scenario, cluster: { ...scenario.cluster, config } } })).toEqual([])
  })

  it('does not take a replica that was given up and comes back for one that has lost something', () => {
    const script = oneCommitted().add(3, { kind: 'deleted' }).follows(3, 1, 1, 0)

    expect(judge(script)).toEqual([])
  })

  it('takes up the log of a restarted node as far as it says, whoever wrote its end', () => {
    const script = oneCommitted().restarts(1).leads(1, 1, 3).copies(1, 1, 2, 3).copies(1, 2, 2, 3).commits(1, 3)

    expect(judge(script)).toEqual([])
  })

  it('does not judge a broker that takes up its old part before it is registered again', () => {
    const script = oneCommitted().restarts(1).leads(2, 1, 1, [2, 3]).appends(2, 1, 1).copies(1, 1, 3).commits(2, 2)
    script.add(1, { kind: 'became-leader', epoch: 0, endOffset: 2, highWatermark: 0 })

    expect(judge(script)).toEqual([])
  })

  it('finds a committed record missing on an in-sync replica at the end', () => {
    const partitions = [partitionState({ isr: [1, 2] })]
    const replicas = [replica(1, [0]), replica(2, []), replica(3, [])]

    expect(
      judge(oneCommitted(), { partitions, replicas: [replica(1, [0, 0]), replica(2, [0]), replica(3, [])] }),
    ).toEqual([])
    expect(committedStays(scripted(oneCommitted(), { partitions, replicas }))).toEqual([
      {
        guarantee: 'committed-stays',
        kind: 'committed-missing-at-end',
        message:
          'Partition 0: offset 0 was committed in epoch 0, but is not in the log of node 2 after everything has settled, which is in sync.',
      },
    ])
  })
})
