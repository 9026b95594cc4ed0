import type { Runtime } from '../runtime/runtime.ts'
import { CheckpointFile, type CheckpointFormat } from './checkpoint-file.ts'
import { joinPath } from './log-file-utils.ts'

export const LEADER_EPOCH_CHECKPOINT_FILE = 'leader-epoch-checkpoint'

/** A leader epoch and the offset of the first record that was written in it. */
export interface EpochEntry {
  readonly epoch: number
  readonly startOffset: number
}

const FORMAT: CheckpointFormat<EpochEntry> = {
  formatLine: ({ epoch, startOffset }) => `${epoch} ${startOffset}`,
  parseLine: parseEpochLine,
}

/** The entry that a line `epoch offset` stands for; undefined when it stands for none. */
export function parseEpochLine(line: string): EpochEntry | undefined {
  const match = /^(\d+) (\d+)$/.exec(line)
  const [epoch, startOffset] = [Number(match?.[1]), Number(match?.[2])]
  return Number.isSafeInteger(epoch) && Number.isSafeInteger(startOffset) ? { epoch, startOffset } : undefined
}

/** The leader epochs of one partition's log, as `epoch offset` lines. */
export function leaderEpochCheckpointFile(runtime: Runtime, directory: string): CheckpointFile<EpochEntry> {
  return new CheckpointFile(runtime, joinPath(directory, LEADER_EPOCH_CHECKPOINT_FILE), FORMAT)
}
