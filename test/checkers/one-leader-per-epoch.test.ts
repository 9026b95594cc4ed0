import { describe, expect, it } from 'vitest'
import { oneLeaderPerEpoch } from '../../harness/checkers/one-leader-per-epoch.ts'
import { batch, historyOf, metadataLog, replica, Script, scripted } from './cluster-support.ts'
import { kinds } from './support.ts'

const judge = (script: Script, changes = {}) => kinds(oneLeaderPerEpoch(scripted(script, changes)))

const VOTERS = [1, 2, 3].map(node => metadataLog(node, []))

/** Nodes vote for a candidate in an epoch. */
function votes(script: Script, epoch: number, candidate: number, ...nodes: readonly number[]): Script {
  for (const node of nodes) script.add(node, { kind: 'vote-granted', epoch, candidate })
  return script
}

describe('one-leader-per-epoch, of partitions', () => {
  it('is content when each epoch has a leader, which alone appends', () => {
    const script = new Script().leads(1, 0, 0).appends(1, 0, 0).leads(2, 1, 0).appends(2, 1, 0)
    const partitionHistory = historyOf({}, { leader: 2, leaderEpoch: 1 })

    expect(judge(script, { partitionHistory, replicas: [replica(1, [0]), replica(2, [1])] })).toEqual([])
  })

  it('finds two leaders in an epoch', () => {
    expect(judge(new Script().leads(1, 4, 0).leads(2, 4, 0))).toEqual(['two-leaders-in-an-epoch'])
  })

  it('finds who appends after its time', () => {
    expect(judge(new Script().leads(1, 0, 0).follows(1, 1, 2, 0).appends(1, 0, 0))).toEqual(['appends-without-leading'])
    expect(judge(new Script().leads(1, 0, 0).leads(1, 1, 0).appends(1, 0, 0))).toEqual(['appends-without-leading'])
    expect(judge(new Script().leads(1, 0, 0).appends(2, 0, 0))).toEqual(['appends-without-leading'])
  })

  it('lets a restarted broker believe that it leads, but not append', () => {
    const script = new Script()
      .leads(1, 0, 0)
      .restarts(1)
      .add(1, { kind: 'became-leader', epoch: 0, endOffset: 0, highWatermark: 0 })
    expect(judge(script)).toEqual([])

    expect(judge(script.appends(1, 0, 0))).toEqual(['appends-after-restart'])
  })

  it('finds a leader that the metadata does not know', () => {
    const script = new Script().leads(2, 1, 0)

    expect(judge(script, { partitionHistory: historyOf({}, { leaderEpoch: 1 }) })).toEqual(['leads-without-election'])
    expect(judge(script, { partitionHistory: historyOf({}) })).toEqual(['leads-without-election'])
  })

  it('finds epochs that fall in a log, and one in which nobody led', () => {
    const script = new Script().leads(1, 0, 0).leads(1, 2, 0)

    expect(judge(script, { replicas: [replica(1, [0, 2])] })).toEqual([])
    expect(judge(script, { replicas: [replica(1, [2, 0])] })).toEqual(['epochs-fall'])
    expect(judge(script, { replicas: [replica(1, [0, 1])] })).toEqual(['epoch-without-leader'])
    const unsound = replica(1, [0], { batches: [batch(0, 0), { ...batch(1, 1), sound: false }] })
    expect(judge(script, { replicas: [unsound] })).toEqual([])
  })
})

describe('one-leader-per-epoch, of the metadata quorum', () => {
  it('is content when a majority elected the leader', () => {
    const script = votes(new Script(), 1, 1, 1, 3).add(1, { kind: 'quorum-leader', epoch: 1, endOffset: 0 })

    expect(judge(votes(script, 2, 2, 3, 2), { metadataLogs: VOTERS })).toEqual([])
  })

  it('finds two leaders in an epoch, and one whom no majority elected', () => {
    const script = votes(new Script(), 1, 1, 1, 3).add(1, { kind: 'quorum-leader', epoch: 1, endOffset: 0 })
    script.add(2, { kind: 'quorum-leader', epoch: 1, endOffset: 0 })

    expect(judge(script, { metadataLogs: VOTERS })).toEqual(['two-leaders-in-an-epoch', 'leads-without-majority'])
  })

  it('finds who votes twice in an epoch, also across a restart, but not who says the same twice', () => {
    expect(judge(votes(votes(new Script(), 1, 1, 3).restarts(3), 1, 2, 3))).toEqual(['two-votes-in-an-epoch'])
    expect(judge(votes(votes(new Script(), 1, 1, 3), 1, 1, 3))).toEqual([])
  })

  it('finds a vote in an epoch that is over', () => {
    expect(judge(votes(votes(new Script(), 4, 1, 3), 2, 2, 3))).toEqual(['vote-in-old-epoch'])
  })

  it('asks for no votes where there is but one voter', () => {
    const script = new Script().add(1, { kind: 'quorum-leader', epoch: 1, endOffset: 0 })

    expect(judge(script, { metadataLogs: [metadataLog(1, [])] })).toEqual([])
  })
})
