import { describe, expect, it } from 'vitest'
import { cleanElections } from '../../harness/checkers/clean-elections.ts'
import type { PartitionChange } from '../../harness/checkers/cluster-evidence.ts'
import type { ClusterSpec } from '../../harness/trial/scenario.ts'
import { clusterOf, historyOf } from './cluster-support.ts'
import { kinds } from './support.ts'

function judge(history: readonly Partial<PartitionChange>[], cluster: Partial<ClusterSpec> = {}): string[] {
  const evidence = clusterOf()
  const scenario = { ...evidence.scenario, cluster: { ...evidence.scenario.cluster, ...cluster } }
  return kinds(cleanElections({ ...evidence, scenario, partitionHistory: historyOf(...history) }))
}

const UNCLEAN = { config: { 'unclean.leader.election.enable': 'true' } }

describe('clean-elections', () => {
  it('is content with leaders that were in sync or eligible', () => {
    expect(
      judge([
        {},
        { leader: 2, leaderEpoch: 1, isr: [2], eligible: [3] },
        { leader: -1, leaderEpoch: 2, isr: [], eligible: [2, 3] },
        { leader: 3, leaderEpoch: 3, isr: [3], eligible: [2] },
      ]),
    ).toEqual([])
  })

  it('finds a leader that was neither', () => {
    expect(judge([{ isr: [1, 2] }, { leader: 3, leaderEpoch: 1, isr: [3] }])).toEqual(['elected-out-of-sync'])
    expect(judge([{ isr: [1, 2] }, { leader: 3, leaderEpoch: 1, isr: [3], recovering: true }])).toEqual([
      'elected-out-of-sync',
    ])
  })

  it('lets anybody lead where that is allowed, if the metadata says so', () => {
    const elected = { leader: 3, leaderEpoch: 1, isr: [3] }

    expect(judge([{ isr: [1, 2] }, { ...elected, recovering: true }], UNCLEAN)).toEqual([])
    expect(judge([{ isr: [1, 2] }, elected], UNCLEAN)).toEqual(['elected-out-of-sync'])
  })

  it('lets the last known leader lead with eligible leader replicas only', () => {
    const history = [
      { leader: -1, isr: [], lastKnownLeader: 2 },
      { leader: 2, leaderEpoch: 1, isr: [2], recovering: true },
    ]

    expect(judge(history)).toEqual([])
    expect(judge(history, { features: { 'eligible.leader.replicas.version': 0 } })).toEqual(['elected-out-of-sync'])
  })

  it('lets a replica lead that joins and completes a reassignment at once', () => {
    const joined = { leader: 3, leaderEpoch: 1, isr: [2, 3], replicas: [2, 3] }

    expect(judge([{ isr: [1, 2], reassigning: true }, joined])).toEqual([])
    expect(judge([{ isr: [1, 2] }, joined])).toEqual(['elected-out-of-sync'])
  })

  it.each([[{ isr: [2, 3] }], [{ isr: [1, 4] }], [{ eligible: [1] }]])(
    'finds a state that makes no sense: %o',
    change => {
      expect(judge([change])).toEqual(['partition-makes-no-sense'])
    },
  )

  it('finds a leader that is fenced', () => {
    const fencedLeaders = [{ offset: 9, partition: 0, leader: 2 }]

    expect(cleanElections(clusterOf({ fencedLeaders }))).toEqual([
      {
        guarantee: 'clean-elections',
        kind: 'fenced-leader',
        message: 'As of offset 9 of the metadata 2 leads partition 0, but is fenced.',
      },
    ])
  })

  it('finds who is still eligible after an unclean end, with eligible leader replicas only', () => {
    const uncleanReturns = [{ offset: 9, partition: 0, broker: 2 }]
    const evidence = clusterOf({ uncleanReturns })
    const cluster = { ...evidence.scenario.cluster, features: { 'eligible.leader.replicas.version': 0 } }

    expect(kinds(cleanElections(evidence))).toEqual(['eligible-after-unclean-end'])
    expect(cleanElections({ ...evidence, scenario: { ...evidence.scenario, cluster } })).toEqual([])
  })

  it('finds epochs that fall or stand still', () => {
    expect(judge([{ leaderEpoch: 3 }, { leaderEpoch: 2 }])).toEqual(['partition-makes-no-sense'])
    expect(judge([{ partitionEpoch: 3 }, { partitionEpoch: 3 }])).toEqual(['partition-makes-no-sense'])
    expect(judge([{}, { leader: 2 }])).toEqual(['partition-makes-no-sense'])
  })
})
