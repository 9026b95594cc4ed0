import { OffsetForLeaderEpoch } from '../../protocol/apis/offset-for-leader-epoch.ts'
import { UnsupportedVersionException } from '../errors.ts'
import type { NodeApiVersions } from '../node-api-versions.ts'

/** The first version that a consumer's permission to read suffices for (KIP-320). */
const OLDEST_USABLE_VERSION = 3

/** Whether a node can be asked by consumers where an epoch ends; undefined versions: it is not connected yet, and may be. */
export function canValidatePositions(versions: NodeApiVersions | undefined): boolean {
  if (versions === undefined) return true
  try {
    versions.latestUsableVersion(OffsetForLeaderEpoch, OLDEST_USABLE_VERSION)
    return true
  } catch (error) {
    if (error instanceof UnsupportedVersionException) return false
    throw error
  }
}
