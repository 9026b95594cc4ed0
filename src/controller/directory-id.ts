import { ZERO_UUID } from '../protocol/uuid.ts'

/** Ids of log directories that stand for something else. Kafka's DirectoryId (KIP-858). */
export const DirectoryId = {
  /** The broker has not told yet where the replica is. */
  UNASSIGNED: ZERO_UUID,
  /** The replica was in a directory that is gone. */
  LOST: 'AAAAAAAAAAAAAAAAAAAAAQ',
  /** From before there were directory ids. */
  MIGRATING: 'AAAAAAAAAAAAAAAAAAAAAg',
} as const

/** Ids that begin with zeros are reserved: the first hundred. */
const RESERVED_PREFIX = ZERO_UUID.slice(0, 20)

export function isReservedDirectory(id: string): boolean {
  return id.startsWith(RESERVED_PREFIX)
}

/** Whether a replica in the directory can be used, as far as is known, on a broker with these directories. */
export function isOnlineDirectory(id: string, online: readonly string[]): boolean {
  if (id === DirectoryId.UNASSIGNED || id === DirectoryId.MIGRATING) return true
  if (id === DirectoryId.LOST) return false
  return online.length === 0 || online.includes(id)
}
