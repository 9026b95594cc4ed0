import type { GuaranteeName, Scenario } from '../trial/scenario.ts'
import { durabilityOf, mayCorrupt } from './durability.ts'

/**
 * What is promised of administration: nothing where disks give back something else than was written to them. Answers, and that what was
 * acknowledged stays: always, because metadata is committed by a quorum and flushed; but that every topic comes to rest and
 * nothing else remains of what was deleted only where nobody loses the files of a disk or a broker's place in a directory. That
 * acknowledged records stay: as `durabilityOf` has it for the topic with the fewest copies that anything was written to.
 */
export function promisedToChurn({
  cluster,
  workload,
  faults,
}: Pick<Scenario, 'workload' | 'faults' | 'cluster'>): GuaranteeName[] {
  const { churn } = workload
  if (churn === undefined || mayCorrupt(faults)) return []
  const promised: GuaranteeName[] = ['every-admin-call-settles', 'topics-as-told', 'deleted-is-gone']
  const copies = churn.flatMap(operation => {
    if (operation.kind === 'create') return [Math.min(operation.replicationFactor, cluster.brokers)]
    return operation.kind === 'reassign' ? [new Set(operation.replicas.map(place => place % cluster.brokers)).size] : []
  })
  const topic = { name: 'churn', partitions: 1, replicationFactor: Math.min(cluster.brokers, ...copies), config: {} }
  const written = { kind: 'append', producers: [] } as const
  if (durabilityOf({ cluster: { ...cluster, topic }, workload: written, faults }) === 'kept') {
    promised.push('churned-records-stay')
  }
  return promised
}
