import { ApiError, ErrorCode } from '../protocol/errors.ts'
import type { PartitionRegistration } from './partition-registration.ts'

/** Where a partition is between two sets of replicas. */
export interface PartitionReassignmentReplicas {
  /** All that are replicas meanwhile: those to keep and to add in their new order, then those to remove. */
  readonly replicas: readonly number[]
  readonly adding: readonly number[]
  readonly removing: readonly number[]
}

/** What a reassignment begins with. Kafka's PartitionReassignmentReplicas. */
export function beginReassignment(
  current: readonly number[],
  target: readonly number[],
): PartitionReassignmentReplicas {
  const removing = current.filter(replica => !target.includes(replica)).sort((a, b) => a - b)
  const adding = target.filter(replica => !current.includes(replica)).sort((a, b) => a - b)
  return { replicas: [...target, ...removing], adding, removing }
}

/**
 * The replicas and the ISR with which the reassignment is complete: once all that shall remain are in sync, those to remove
 * go. Undefined when there is none under way, or it is not yet as far as that.
 */
export function completeReassignment(
  { replicas, adding, removing }: PartitionReassignmentReplicas,
  isr: readonly number[],
): { readonly replicas: readonly number[]; readonly isr: readonly number[] } | undefined {
  if (adding.length === 0 && removing.length === 0) return undefined
  const remains = (replica: number): boolean => !removing.includes(replica)
  const newIsr = isr.filter(remains)
  const newReplicas = replicas.filter(remains)
  if (removing.length > 0 && (newIsr.length === 0 || newReplicas.length === 0)) return undefined
  return newReplicas.every(replica => newIsr.includes(replica)) ? { replicas: newReplicas, isr: newIsr } : undefined
}

export interface PartitionReassignmentRevert {
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  /** All in-sync replicas are among those being added: giving up means to elect one that is not in sync. */
  readonly unclean: boolean
}

/** What giving up a reassignment leads to. Kafka's PartitionReassignmentRevert. */
export function revertReassignment(partition: PartitionRegistration): PartitionReassignmentRevert {
  const { addingReplicas } = partition
  const wasThere = (replica: number): boolean => !addingReplicas.includes(replica)
  const replicas = partition.replicas.filter(wasThere)
  const isr = partition.isr.filter(wasThere)
  const [first] = replicas
  if (first === undefined) {
    throw new ApiError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      'Invalid replica assignment: addingReplicas contains all replicas.',
    )
  }
  return isr.length === 0 ? { replicas, isr: [first], unclean: true } : { replicas, isr, unclean: false }
}
