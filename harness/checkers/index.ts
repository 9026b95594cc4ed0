import type { GuaranteeName } from '../trial/scenario.ts'
import { acksAllMeansReplicated } from './acks-all-means-replicated.ts'
import { atLeastOnce } from './at-least-once.ts'
import { atMostOnce } from './at-most-once.ts'
import { boundedQueues } from './bounded-queues.ts'
import { churnedRecordsStay } from './churned-records-stay.ts'
import { cleanElections } from './clean-elections.ts'
import { clientRecovers } from './client-recovers.ts'
import { clusterRecovers } from './cluster-recovers.ts'
import { commitsNotBeyondProcessed } from './commits-not-beyond-processed.ts'
import { commitsStay } from './commits-stay.ts'
import { committedStays } from './committed-stays.ts'
import { deletedIsGone } from './deleted-is-gone.ts'
import { dropsDeadConnections } from './drops-dead-connections.ts'
import { effectivelyOnce } from './effectively-once.ts'
import { everyAdminCallSettles } from './every-admin-call-settles.ts'
import { everyCommitSettles } from './every-commit-settles.ts'
import { everySendSettles } from './every-send-settles.ts'
import type { Checker, Evidence, Violation } from './evidence.ts'
import { fencedCommitsRefused } from './fenced-commits-refused.ts'
import { groupConverges } from './group-converges.ts'
import { groupOrder } from './group-order.ts'
import { keyOrder } from './key-order.ts'
import { leavesNothing } from './leaves-nothing.ts'
import { metadataStays } from './metadata-stays.ts'
import { noBusyTimers } from './no-busy-timers.ts'
import { noDuplicates } from './no-duplicates.ts'
import { noLoss } from './no-loss.ts'
import { noPhantoms } from './no-phantoms.ts'
import { noSilentLoss } from './no-silent-loss.ts'
import { noUnexplainedLoss } from './no-unexplained-loss.ts'
import { oneLeaderPerEpoch } from './one-leader-per-epoch.ts'
import { oneOwner } from './one-owner.ts'
import { onePartitionPerKey } from './one-partition-per-key.ts'
import { onlyOwnedRecords } from './only-owned-records.ts'
import { order } from './order.ts'
import { readsStay } from './reads-stay.ts'
import { recovers } from './recovers.ts'
import { replicasAgree } from './replicas-agree.ts'
import { rereadsFromCommit } from './rereads-from-commit.ts'
import { stableOffsets } from './stable-offsets.ts'
import { topicsAsTold } from './topics-as-told.ts'
import { wellFormedLog } from './well-formed-log.ts'

/** The checker of every guarantee. */
export const CHECKERS: Readonly<Record<GuaranteeName, Checker>> = {
  'no-loss': noLoss,
  'no-silent-loss': noSilentLoss,
  'no-unexplained-loss': noUnexplainedLoss,
  'no-phantoms': noPhantoms,
  'no-duplicates': noDuplicates,
  order,
  'one-partition-per-key': onePartitionPerKey,
  'stable-offsets': stableOffsets,
  'replicas-agree': replicasAgree,
  'committed-stays': committedStays,
  'acks-all-means-replicated': acksAllMeansReplicated,
  'reads-stay': readsStay,
  'clean-elections': cleanElections,
  'one-leader-per-epoch': oneLeaderPerEpoch,
  'metadata-stays': metadataStays,
  'well-formed-log': wellFormedLog,
  'every-send-settles': everySendSettles,
  'bounded-queues': boundedQueues,
  'cluster-recovers': clusterRecovers,
  recovers,
  'client-recovers': clientRecovers,
  'no-busy-timers': noBusyTimers,
  'drops-dead-connections': dropsDeadConnections,
  'at-least-once': atLeastOnce,
  'at-most-once': atMostOnce,
  'effectively-once': effectivelyOnce,
  'key-order': keyOrder,
  'one-owner': oneOwner,
  'only-owned-records': onlyOwnedRecords,
  'commits-not-beyond-processed': commitsNotBeyondProcessed,
  'commits-stay': commitsStay,
  'fenced-commits-refused': fencedCommitsRefused,
  'group-order': groupOrder,
  'rereads-from-commit': rereadsFromCommit,
  'group-converges': groupConverges,
  'every-commit-settles': everyCommitSettles,
  'leaves-nothing': leavesNothing,
  'every-admin-call-settles': everyAdminCallSettles,
  'topics-as-told': topicsAsTold,
  'deleted-is-gone': deletedIsGone,
  'churned-records-stay': churnedRecordsStay,
}

/** They look for records in the logs, which nobody can read to their tails when the cluster has not recovered. */
const OF_READ_LOGS: ReadonlySet<GuaranteeName> = new Set([
  'no-loss',
  'no-silent-loss',
  'no-unexplained-loss',
  'stable-offsets',
])

/** Violations of one kind that are kept; a burst of the same adds nothing. */
const MAX_OF_A_KIND = 20

/**
 * Judges the guarantees that the scenario asks for, in its order; at most the first 20 violations of each kind. Of a cluster
 * that did not recover no records are missed: they may still be there.
 */
export function check(evidence: Evidence): Violation[] {
  const kept: Violation[] = []
  for (const guarantee of new Set(evidence.scenario.guarantees)) {
    if (OF_READ_LOGS.has(guarantee) && !evidence.recovery.recovered) continue
    const counts = new Map<string, number>()
    for (const violation of CHECKERS[guarantee](evidence)) {
      const count = (counts.get(violation.kind) ?? 0) + 1
      counts.set(violation.kind, count)
      if (count <= MAX_OF_A_KIND) kept.push(violation)
    }
  }
  return kept
}
