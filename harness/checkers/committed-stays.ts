import type { ReplicaEvidence } from './cluster-evidence.ts'
import { diskLoss } from './disk-loss.ts'
import type { Checker, Evidence, Violation } from './evidence.ts'
import { Lineage } from './lineage.ts'
import type { PartitionReplay } from './partition-replay.ts'
import { replayPartitions } from './replay.ts'

/**
 * What was committed stays: no replica cuts its log below its high watermark (`cut-below-high-watermark`) or cuts off a
 * committed record that it holds (`committed-cut`); no record that was shown as committed is replaced (`committed-replaced`);
 * who begins to lead has all that is committed (`leader-lacks-committed`); a leader's high watermark never falls as long as it
 * leads (`high-watermark-falls`), while a new one may begin lower; a log does not get shorter by a restart
 * (`log-shrinks-unseen`); and at the end all in-sync replicas hold it (`committed-missing-at-end`). Unclean elections and
 * damaged disks explain the loss of committed records where they have caused it.
 */
export const committedStays: Checker = evidence => {
  const violations: Violation[] = []
  for (const [partition, replay] of replayPartitions(evidence).entries()) {
    violations.push(...replay.violations.filter(({ guarantee }) => guarantee === 'committed-stays'))
    violations.push(...missingAtEnd(evidence, partition, replay))
  }
  return violations
}

function missingAtEnd(evidence: Evidence, partition: number, replay: PartitionReplay): Violation[] {
  const { observed, partitions, replicas, recovery, endedMs } = evidence
  if (replay.isExplained || observed.dropped > 0 || !recovery.recovered) return []
  const isr = partitions.find(({ partition: number }) => number === partition)?.isr ?? []
  const { committed } = replay
  const violations: Violation[] = []
  for (const replica of replicas) {
    const { node } = replica
    if (replica.partition !== partition || !isr.includes(node) || diskLoss(evidence, node, endedMs) === 'anything')
      continue
    const lineage = lineageOf(replica)
    const missing = lineage.end < committed.end ? lineage.end : lineage.firstDifference(committed, committed.end)
    if (missing === undefined) continue
    const epoch = committed.epochAt(missing)
    violations.push({
      guarantee: 'committed-stays',
      kind: 'committed-missing-at-end',
      message: `Partition ${partition}: offset ${missing} was committed in epoch ${epoch}, but is not in the log of node ${node} after everything has settled, which is in sync.`,
    })
  }
  return violations
}

/** What lies on disk. */
function lineageOf({ startOffset, batches }: ReplicaEvidence): Lineage {
  const lineage = new Lineage(batches[0]?.baseOffset ?? startOffset)
  for (const { epoch, lastOffset, sound } of batches) if (sound) lineage.extend(epoch, lastOffset + 1)
  return lineage
}
