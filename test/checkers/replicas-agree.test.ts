import { describe, expect, it } from 'vitest'
import { replicasAgree } from '../../harness/checkers/replicas-agree.ts'
import { batch, clusterOf, metadataLog, partitionState, replica, Script, scripted } from './cluster-support.ts'
import { kinds } from './support.ts'

const judge = (changes = {}) => kinds(replicasAgree(clusterOf({ partitions: [partitionState()], ...changes })))

describe('replicas-agree', () => {
  it('is content when all hold the same, whatever lies beyond the high watermark', () => {
    const replicas = [replica(1, [0, 0, 2], { highWatermark: 2 }), replica(2, [0, 0]), replica(3, [0, 0, 1])]

    expect(judge({ replicas })).toEqual([])
  })

  it('finds the same offset and epoch with other bytes', () => {
    const replicas = [replica(1, [0], { highWatermark: 0 }), replica(2, [0], { batches: [batch(0, 0, 7)] })]

    expect(replicasAgree(clusterOf({ replicas }))).toEqual([
      {
        guarantee: 'replicas-agree',
        kind: 'copies-differ',
        message: 'Offset 0 of records-0 holds different bytes on nodes 1 and 2, both of epoch 0.',
      },
    ])
  })

  it('finds an in-sync replica that holds something else below the high watermark, or nothing', () => {
    expect(judge({ replicas: [replica(1, [0, 1]), replica(2, [0, 0])] })).toEqual(['in-sync-copies-differ'])
    expect(judge({ replicas: [replica(1, [0, 1]), replica(2, [0])] })).toEqual(['in-sync-copy-ends-early'])
  })

  it('does not ask it of a replica that is not in sync, nor of a cluster that has not recovered', () => {
    const replicas = [replica(1, [0, 1]), replica(2, [0])]

    expect(judge({ replicas, partitions: [partitionState({ isr: [1] })] })).toEqual([])
    expect(judge({ replicas, recovery: { recovered: false, tookMs: 9, missing: ['a broker'] } })).toEqual([])
  })

  it('does not miss what a replica has deleted at its start', () => {
    const late = replica(2, [0, 1], { startOffset: 1, batches: [batch(1, 1)] })

    expect(judge({ replicas: [replica(1, [0, 1]), late] })).toEqual([])
  })

  it('finds metadata logs that differ where both were committed', () => {
    const [one, two] = [metadataLog(1, [1, 1, 2]), metadataLog(2, [1, 1, 1])]

    expect(judge({ metadataLogs: [one, two] })).toEqual(['metadata-logs-differ'])
    expect(judge({ metadataLogs: [one, { ...two, highWatermark: 2 }] })).toEqual([])
  })

  it('finds a leader-epoch checkpoint that says something else than the batches', () => {
    const cache = (epochs: { epoch: number; startOffset: number }[]) =>
      judge({ replicas: [replica(1, [0, 2], { epochs })] })

    expect(cache([{ epoch: 0, startOffset: 0 }])).toEqual(['epoch-cache-differs'])
    expect(cache([])).toEqual(['epoch-cache-differs'])
    expect(
      cache([
        { epoch: 0, startOffset: 0 },
        { epoch: 2, startOffset: 1 },
        { epoch: 3, startOffset: 2 },
      ]),
    ).toEqual([])
    expect(
      cache([
        { epoch: 0, startOffset: 0 },
        { epoch: 2, startOffset: 1 },
        { epoch: 3, startOffset: 3 },
      ]),
    ).toEqual(['epoch-cache-beyond-end'])
  })

  describe('after a leader has come back without the tail of its log', () => {
    const forgetful = replica(1, [0, 0, 0, 1], {
      epochs: [
        { epoch: 0, startOffset: 2 },
        { epoch: 1, startOffset: 3 },
      ],
    })
    const leads = (...endOffsets: readonly number[]): Script => {
      const script = new Script()
      for (const [index, endOffset] of endOffsets.entries()) {
        if (index > 0) script.restarts(1, 'power-loss')
        script.leads(1, 1, endOffset)
      }
      return script
    }
    const judgeAfter = (script: Script, copy = forgetful) =>
      kinds(replicasAgree(scripted(script, { replicas: [copy] })))

    it('is content when its checkpoint has forgotten where an epoch before its last one began', () => {
      expect(judgeAfter(leads(3, 2))).toEqual([])
    })

    it('still judges it where it led from the same end again, where it has lost no power, and without that at all', () => {
      expect(judgeAfter(leads(3, 3))).toEqual(['epoch-cache-differs'])
      expect(judgeAfter(new Script().leads(1, 1, 3).restarts(1).leads(1, 1, 2))).toEqual(['epoch-cache-differs'])
      expect(judgeAfter(new Script().restarts(1, 'power-loss').leads(1, 1, 2))).toEqual(['epoch-cache-differs'])
    })

    it('still judges what lies behind that end, and every epoch that is too high', () => {
      expect(judgeAfter(leads(3, 1))).toEqual(['epoch-cache-differs'])
      const tooHigh = { ...forgetful, epochs: [{ epoch: 1, startOffset: 0 }] }
      expect(judgeAfter(leads(3, 2), tooHigh)).toEqual(['epoch-cache-differs'])
    })
  })
})
