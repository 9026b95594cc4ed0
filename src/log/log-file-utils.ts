/** Names of the files in a partition's directory, as Kafka's LogFileUtils gives them. */

export const LOG_FILE_SUFFIX = '.log'
export const INDEX_FILE_SUFFIX = '.index'
export const TIME_INDEX_FILE_SUFFIX = '.timeindex'
export const PRODUCER_SNAPSHOT_FILE_SUFFIX = '.snapshot'
/** Files that are being written, to replace another one when they are whole. */
export const TEMPORARY_FILE_SUFFIX = '.tmp'
/** Segments that compaction is writing. */
export const CLEANED_FILE_SUFFIX = '.cleaned'
/** Segments that compaction has written, and is about to put in the place of others. */
export const SWAP_FILE_SUFFIX = '.swap'
/** Files that are renamed first and removed after `file.delete.delay.ms`. */
export const DELETED_FILE_SUFFIX = '.deleted'
/** Directories of deleted topics, removed after `file.delete.delay.ms`. */
export const DELETE_DIR_SUFFIX = '-delete'
/** Directories of partitions that the metadata no longer assigns to this broker. */
export const STRAY_DIR_SUFFIX = '-stray'

/** A segment's files, the log first: what is found without its log is worth nothing. */
export const SEGMENT_FILE_SUFFIXES: readonly string[] = [LOG_FILE_SUFFIX, INDEX_FILE_SUFFIX, TIME_INDEX_FILE_SUFFIX]

const OFFSET_DIGITS = 20

export function joinPath(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`
}

/** The directory that holds a path; the empty string for a name in the data root. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The 20-digit name of a base offset: `00000000000000000042`. */
export function filenamePrefixFromOffset(offset: number): string {
  return String(offset).padStart(OFFSET_DIGITS, '0')
}

/** The offset in a file name such as `00000000000000000042.log`; undefined when the name is none with this suffix. */
export function offsetFromFileName(name: string, suffix: string): number | undefined {
  if (!name.endsWith(suffix)) return undefined
  const digits = name.slice(0, -suffix.length)
  if (digits.length !== OFFSET_DIGITS || !/^\d+$/.test(digits)) return undefined
  const offset = Number(digits)
  return Number.isSafeInteger(offset) ? offset : undefined
}
