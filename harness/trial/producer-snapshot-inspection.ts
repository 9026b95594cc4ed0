import { readSmallFile } from '../../src/log/atomic-file.ts'
import { scanBatches } from '../../src/log/batch-scanner.ts'
import { CorruptSnapshotError } from '../../src/log/log-errors.ts'
import { LOG_FILE_SUFFIX, offsetFromFileName, PRODUCER_SNAPSHOT_FILE_SUFFIX } from '../../src/log/log-file-utils.ts'
import { decodeProducerSnapshot } from '../../src/log/producer-snapshot.ts'
import type { ProducerStateEntry } from '../../src/log/producer-state-entry.ts'
import { RecordsError } from '../../src/protocol/records/errors.ts'
import type { Disk } from '../../src/runtime/disk.ts'
import type { DiskFinding } from '../checkers/evidence.ts'

/** Something wrong in a file of the directory that was looked at. */
type SnapshotFinding = Omit<DiskFinding, 'node'>

const MAX_SNAPSHOT_BYTES = 16 * 1024 * 1024

/** The last batch of a producer. */
interface LastBatch {
  readonly lastSequence: number
  readonly lastOffset: number
}

interface LogContent {
  readonly startOffset: number
  readonly endOffset: number
  readonly producers: ReadonlyMap<number, LastBatch>
}

/**
 * Compares what the producer snapshots of a log say with its batches. A broker that was shut down leaves a snapshot at the
 * log's end; it must know the last batch of every producer, else repeated batches are not recognised, or batches that
 * nobody stored are taken for repeated ones. Files that cannot be read as such are for others to name.
 */
export async function inspectProducerSnapshots(disk: Disk, directory: string): Promise<SnapshotFinding[]> {
  const names = await disk.list(directory)
  const log = await readLog(disk, directory, names)
  if (log === undefined) return []
  const findings: SnapshotFinding[] = []
  let isThere = log.producers.size === 0
  for (const name of names) {
    const offset = offsetFromFileName(name, PRODUCER_SNAPSHOT_FILE_SUFFIX)
    if (offset === undefined || offset < log.endOffset) continue
    isThere = true
    const file = `${directory}/${name}`
    const messages =
      offset > log.endOffset
        ? [`it tells of offset ${offset}, but the log ends at ${log.endOffset}`]
        : compare(await readSnapshot(disk, file), log)
    for (const message of messages) findings.push({ file, message })
  }
  if (!isThere)
    findings.push({ file: directory, message: `there is no producer snapshot at the log's end ${log.endOffset}` })
  return findings
}

function compare(entries: readonly ProducerStateEntry[] | undefined, log: LogContent): string[] {
  if (entries === undefined) return []
  const messages: string[] = []
  const known = new Set<number>()
  for (const { producerId, lastSequence, lastDataOffset } of entries) {
    known.add(producerId)
    if (lastDataOffset < log.startOffset) continue // its records are deleted
    const last = log.producers.get(producerId)
    if (last?.lastSequence === lastSequence && last.lastOffset === lastDataOffset) continue
    const found = last === undefined ? 'nothing' : `sequence number ${last.lastSequence} at offset ${last.lastOffset}`
    messages.push(
      `it ends producer ${producerId} with sequence number ${lastSequence} at offset ${lastDataOffset}, the log with ${found}`,
    )
  }
  for (const producerId of log.producers.keys()) {
    if (!known.has(producerId)) messages.push(`it does not know producer ${producerId}, which wrote to the log`)
  }
  return messages
}

async function readSnapshot(disk: Disk, path: string): Promise<readonly ProducerStateEntry[] | undefined> {
  const bytes = await readSmallFile(disk, path, MAX_SNAPSHOT_BYTES)
  try {
    return bytes === undefined ? undefined : decodeProducerSnapshot(bytes, path)
  } catch (error) {
    if (error instanceof CorruptSnapshotError) return undefined
    throw error
  }
}

/** Undefined when there are bytes that are no batches. */
async function readLog(disk: Disk, directory: string, names: readonly string[]): Promise<LogContent | undefined> {
  const producers = new Map<number, LastBatch>()
  let startOffset: number | undefined
  let endOffset = 0
  for (const name of names) {
    const baseOffset = offsetFromFileName(name, LOG_FILE_SUFFIX)
    if (baseOffset === undefined) continue
    startOffset ??= baseOffset
    endOffset = baseOffset
    const file = await disk.open(`${directory}/${name}`)
    try {
      for await (const { batch } of scanBatches(file, 0, file.size)) {
        const { producerId, lastSequence, lastOffset } = batch
        if (batch.hasProducerId && !batch.isControl) producers.set(producerId, { lastSequence, lastOffset })
        endOffset = batch.nextOffset
      }
    } catch (error) {
      if (error instanceof RecordsError) return undefined
      throw error
    } finally {
      await file.close()
    }
  }
  return { startOffset: startOffset ?? 0, endOffset, producers }
}
