import { DiskError } from '../../src/runtime/disk.ts'

/** Whether a full or failing disk is at the bottom of an error: then the fault is to blame and not the node. */
export function isOfTheDisk(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof DiskError) return at.code === 'ENOSPC' || at.code === 'EIO'
  }
  return false
}
