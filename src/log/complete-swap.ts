import type { Disk } from '../runtime/disk.ts'
import { scanBatches } from './batch-scanner.ts'
import {
  CLEANED_FILE_SUFFIX,
  filenamePrefixFromOffset,
  joinPath,
  LOG_FILE_SUFFIX,
  offsetFromFileName,
  SEGMENT_FILE_SUFFIXES,
  SWAP_FILE_SUFFIX,
} from './log-file-utils.ts'

/**
 * Ends what a crash has interrupted while compaction put a new segment in the place of old ones (the first three passes of
 * Kafka's LogLoader.load). The order of `LocalLog.replaceSegments` is what makes this safe:
 *
 * 1. The new segment is written and flushed as `.cleaned`. Found at start: removed, the old segments are still there.
 * 2. Its files are renamed to `.swap`. As long as one is `.cleaned`, it is removed as a whole.
 * 3. The old segments' files are renamed to `.deleted`. From here on the new segment counts: the old ones, as far as they
 *    lie in its range, are removed, and it gets its names. Old segments beyond its last offset may come back: everything in
 *    them was superseded by later records, and the cleaner's checkpoint does not count them as clean yet.
 * 4. The new segment's files get their names, the log first: without it the indexes would be taken for stray ones.
 *
 * Returns whether it changed anything. Rejects with `DiskError`. @param names what the partition's directory holds
 */
export async function completeSwap(disk: Disk, directory: string, names: readonly string[]): Promise<boolean> {
  const cleaned = segmentFiles(names, CLEANED_FILE_SUFFIX)
  const swap = segmentFiles(names, SWAP_FILE_SUFFIX)
  if (cleaned.length + swap.length === 0) return false
  const minCleanedOffset = Math.min(...cleaned.map(file => file.baseOffset))
  const remove = (name: string) => disk.remove(joinPath(directory, name))
  // First what may have become `.swap` only in part: it is known by what is still `.cleaned`.
  for (const { name, baseOffset } of swap) if (baseOffset >= minCleanedOffset) await remove(name)
  for (const { name } of cleaned) await remove(name)
  const valid = swap.filter(file => file.baseOffset < minCleanedOffset)
  for (const { name, baseOffset, segmentSuffix } of valid) {
    if (segmentSuffix !== LOG_FILE_SUFFIX) continue
    const nextOffset = await readNextOffset(disk, joinPath(directory, name), baseOffset)
    for (const old of segmentFiles(names, '')) {
      const isReplaced = old.baseOffset === baseOffset || (old.baseOffset > baseOffset && old.baseOffset < nextOffset)
      if (isReplaced) await remove(old.name)
    }
  }
  for (const suffix of SEGMENT_FILE_SUFFIXES) {
    for (const { name, baseOffset, segmentSuffix } of valid) {
      if (segmentSuffix !== suffix) continue
      await disk.rename(joinPath(directory, name), joinPath(directory, filenamePrefixFromOffset(baseOffset) + suffix))
    }
  }
  return true
}

interface SegmentFile {
  readonly name: string
  readonly baseOffset: number
  /** `.log`, `.index` … */
  readonly segmentSuffix: string
}

/** The segments' files whose names end with `suffix` after their own. */
function segmentFiles(names: readonly string[], suffix: string): SegmentFile[] {
  return names.flatMap(name =>
    SEGMENT_FILE_SUFFIXES.flatMap(segmentSuffix => {
      const baseOffset = offsetFromFileName(name, segmentSuffix + suffix)
      return baseOffset === undefined ? [] : [{ name, baseOffset, segmentSuffix }]
    }),
  )
}

async function readNextOffset(disk: Disk, path: string, baseOffset: number): Promise<number> {
  const file = await disk.open(path)
  try {
    let nextOffset = baseOffset
    for await (const { batch } of scanBatches(file, 0, file.size)) nextOffset = batch.nextOffset
    return nextOffset
  } finally {
    await file.close()
  }
}
