import { readLogDirectory } from '../../src/log/inspect.ts'
import { DiskError } from '../../src/runtime/disk.ts'
import type { DiskFinding } from '../checkers/evidence.ts'
import type { SimulatedHost } from '../world/host.ts'
import type { ClusterSpec } from './scenario.ts'

/** Reads a stopped broker's files of a topic as they lie on its disk and names everything that is not as Kafka writes it. */
export async function inspectDisk(host: SimulatedHost, topic: ClusterSpec['topic']): Promise<DiskFinding[]> {
  const process = host.process('inspector')
  const findings: DiskFinding[] = []
  for (let partition = 0; partition < topic.partitions; partition++) {
    const directory = `data/${topic.name}-${partition}`
    try {
      const report = await process.run(() => readLogDirectory(process.disk, directory))
      findings.push(...report.findings.map(({ file, message }) => ({ file: `${directory}/${file}`, message })))
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      findings.push({ file: directory, message: error.message })
    }
  }
  process.kill()
  return findings
}
