import type { PartitionChange } from './cluster-evidence.ts'
import type { Checker, Violation } from './evidence.ts'

/** The feature of KIP-966, and its level in a new cluster of Kafka 4.1 and later. */
const ELIGIBLE_LEADER_REPLICAS = { feature: 'eligible.leader.replicas.version', level: 1 }
const UNCLEAN_KEY = 'unclean.leader.election.enable'

/**
 * Who was elected was in sync or eligible (`elected-out-of-sync`); with `unclean.leader.election.enable` it may be anybody, with
 * eligible leader replicas (KIP-966) the last known leader, if then the metadata says so. Nobody leads who is fenced
 * (`fenced-leader`). With eligible leader replicas a broker whose process ended uncleanly is neither in sync nor eligible when it
 * comes back (`eligible-after-unclean-end`): its log may lack the end. Whatever the metadata says of a
 * partition makes sense: the leader is in sync, who is in sync is a replica, and no epoch falls (`partition-makes-no-sense`).
 */
export const cleanElections: Checker = ({ partitionHistory, fencedLeaders, uncleanReturns, scenario }) => {
  const { topic, config, features } = scenario.cluster
  const allowsUnclean = (topic.config[UNCLEAN_KEY] ?? config[UNCLEAN_KEY]) === 'true'
  const { feature, level } = ELIGIBLE_LEADER_REPLICAS
  const hasEligibleReplicas = (features?.[feature] ?? level) > 0
  const latest = new Map<number, PartitionChange>()
  const violations = fencedLeaders.map(({ offset, partition, leader }): Violation => {
    const message = `As of offset ${offset} of the metadata ${leader} leads partition ${partition}, but is fenced.`
    return { guarantee: 'clean-elections', kind: 'fenced-leader', message }
  })
  for (const { offset, partition, broker } of hasEligibleReplicas ? uncleanReturns : []) {
    const what = `As of offset ${offset} of the metadata ${broker} is registered anew, after its process had ended uncleanly`
    const message = `${what}, and is in sync or eligible in partition ${partition}.`
    violations.push({ guarantee: 'clean-elections', kind: 'eligible-after-unclean-end', message })
  }
  for (const change of partitionHistory) {
    const { partition, offset } = change
    const before = latest.get(partition)
    latest.set(partition, change)
    const nonsense = nonsenseOf(change, before)
    if (nonsense !== undefined) {
      const message = `Partition ${partition} as of offset ${offset} of the metadata ${nonsense}.`
      violations.push({ guarantee: 'clean-elections', kind: 'partition-makes-no-sense', message })
    }
    if (before === undefined || isClean(change, before)) continue
    const isLastKnown = hasEligibleReplicas && change.leader === before.lastKnownLeader
    if (change.recovering && (allowsUnclean || isLastKnown)) continue
    const who = `in sync were ${listed(before.isr)}, eligible ${listed(before.eligible)}`
    const what = `${change.leader} was elected to lead partition ${partition} in epoch ${change.leaderEpoch}`
    const flag = allowsUnclean ? ' and the metadata does not tell that it was not in sync' : ''
    violations.push({
      guarantee: 'clean-elections',
      kind: 'elected-out-of-sync',
      message: `At offset ${offset} of the metadata ${what}, but ${who}${flag}.`,
    })
  }
  return violations
}

function listed(brokers: readonly number[]): string {
  return brokers.length === 0 ? 'nobody' : brokers.join(', ')
}

function isClean({ leader, isr, recovering }: PartitionChange, before: PartitionChange): boolean {
  if (leader < 0 || leader === before.leader) return true
  if (before.isr.includes(leader) || before.eligible.includes(leader)) return true
  // Whoever completes a reassignment joins the ISR in the same record.
  return before.reassigning && !recovering && isr.includes(leader)
}

function nonsenseOf(change: PartitionChange, before: PartitionChange | undefined): string | undefined {
  const { leader, isr, eligible, replicas, leaderEpoch, partitionEpoch } = change
  if (leader >= 0 && !isr.includes(leader)) return `has the leader ${leader}, and in sync are ${listed(isr)}`
  // Kafka leaves who is no replica any more among the eligible ones for a while; such a one is never elected.
  const stranger = isr.find(id => !replicas.includes(id))
  if (stranger !== undefined) return `has ${stranger} in sync, and its replicas are ${listed(replicas)}`
  const both = isr.find(id => eligible.includes(id))
  if (both !== undefined) return `has ${both} in sync and eligible besides`
  if (before === undefined) return undefined
  if (leaderEpoch < before.leaderEpoch) return `falls from leader epoch ${before.leaderEpoch} to ${leaderEpoch}`
  if (partitionEpoch <= before.partitionEpoch) {
    return `goes from partition epoch ${before.partitionEpoch} to ${partitionEpoch}`
  }
  if (leader !== before.leader && leaderEpoch === before.leaderEpoch) {
    return `has another leader, ${leader}, in the same epoch ${leaderEpoch}`
  }
  return undefined
}
