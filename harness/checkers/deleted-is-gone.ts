import { DELETE_DIR_SUFFIX, STRAY_DIR_SUFFIX } from '../../src/log/log-file-utils.ts'
import type { ChurnDirectory, ChurnEvidence } from './churn-evidence.ts'
import type { Checker, Violation } from './evidence.ts'

/**
 * When everything has come to rest no broker's disk holds anything of a topic that is gone (`deleted-data-left`), nor of a partition
 * whose replica is elsewhere (`moved-data-left`). What Kafka calls a stray (a log that a broker finds at its start without being a
 * replica) it sets aside and keeps.
 */
export const deletedIsGone: Checker = ({ churn }) => (churn === undefined ? [] : leftovers(churn))

type Rest = Pick<ChurnEvidence, 'topics' | 'directories'>

/** What lies on disks and should not. */
export function leftovers(rest: Rest): Violation[] {
  return rest.directories.flatMap(directory => judge(directory, rest))
}

function judge({ node, name, topic, partition, topicId }: ChurnDirectory, { topics }: Rest): Violation[] {
  if (name.endsWith(STRAY_DIR_SUFFIX)) return []
  const what = `Node ${node} still has ${name}`
  const owner = topics.find(found => found.topic === topic && (topicId === undefined || found.topicId === topicId))
  if (owner === undefined || name.endsWith(DELETE_DIR_SUFFIX)) {
    const id = topicId === undefined ? '' : ` of the topic with id ${topicId}`
    return [{ guarantee: 'deleted-is-gone', kind: 'deleted-data-left', message: `${what}${id}, which is deleted.` }]
  }
  const replicas = owner.replicas[partition] ?? []
  if (replicas.includes(node)) return []
  const message = `${what}, but the replicas of the partition are ${replicas.join(', ')}.`
  return [{ guarantee: 'deleted-is-gone', kind: 'moved-data-left', message }]
}
