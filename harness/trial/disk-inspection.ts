import { readLogDirectory } from '../../src/log/inspect.ts'
import { DiskError } from '../../src/runtime/disk.ts'
import type { DiskFinding } from '../checkers/evidence.ts'
import type { ClusterNode } from './cluster-node.ts'
import { DATA_DIRECTORY } from './node-layout.ts'
import { inspectProducerSnapshots } from './producer-snapshot-inspection.ts'
import type { ClusterSpec } from './scenario.ts'

/**
 * Reads a stopped broker's files of the topic as they lie on its disk and names everything that is not as Kafka writes it. Whether
 * epochs are those of the leader-epoch checkpoint is left to `replicas-agree`, which knows what Kafka forgets of them and when.
 *
 * @param partitions of which the broker must hold a replica
 */
export async function inspectDisk(
  { id: node, host }: ClusterNode,
  { topic: { name, config: topicConfig }, config }: Pick<ClusterSpec, 'topic' | 'config'>,
  partitions: readonly number[],
): Promise<DiskFinding[]> {
  const process = host.process('inspector')
  const findings: DiskFinding[] = []
  const policy = topicConfig['cleanup.policy'] ?? config['log.cleanup.policy'] ?? 'delete'
  const compacted = policy.includes('compact')
  for (const partition of partitions) {
    const directory = `${DATA_DIRECTORY}/${name}-${partition}`
    try {
      const report = await process.run(() => readLogDirectory(process.disk, directory, { compacted }))
      for (const { file, message, contradictsEpochs } of report.findings) {
        if (contradictsEpochs !== true) findings.push({ node, file: `${directory}/${file}`, message })
      }
      const snapshots = await process.run(() => inspectProducerSnapshots(process.disk, directory))
      findings.push(...snapshots.map(finding => ({ node, ...finding })))
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      findings.push({ node, file: directory, message: error.message })
    }
  }
  process.kill()
  return findings
}
