import type { PartitionRegistration } from '../../src/controller/partition-registration.ts'
import { ErrorCode, errorName } from '../../src/protocol/errors.ts'
import type { Fault } from '../trial/scenario.ts'
import type { FaultKind, Injection } from './fault-kind.ts'

/** The partition of the topic that a fault picks, and its replicas in order of preference; undefined while it has none. */
function partitionOf({ cluster }: Injection, { pick = 0 }: Fault) {
  const index = pick % cluster.spec.topic.partitions
  const registration = cluster.partition(index)
  return registration && { index, name: `${cluster.spec.topic.name}-${index}`, ...registration }
}

export const moveLeader: FaultKind = {
  name: 'move-leader',
  summary:
    'the leadership of a partition is moved as planned: another replica becomes the preferred one and is elected',
  longestMs: 0,
  inject(injection, fault) {
    const { admin, hit, tell } = injection
    const partition = partitionOf(injection, fault)
    if (partition === undefined) return undefined
    const { index, name, replicas, leader, isr } = partition
    // One that is in sync, as an operator would choose.
    const next = replicas.find(id => id !== leader && isr.includes(id))
    if (next === undefined) return undefined
    hit(`moves the leadership of ${name} from ${leader} to ${next}`)
    admin.start(index, async () => {
      // What had to be done with the partition before may have given it other replicas.
      const now = partitionOf(injection, fault)?.replicas ?? replicas
      if (!now.includes(next)) return tell(`the move of ${name} finds no replica on ${next} any more`)
      const ordered = await admin.reassign(index, [next, ...now.filter(id => id !== next)])
      const elected = ordered.errorCode === ErrorCode.NONE ? await admin.electPreferred(index) : ordered
      const { errorCode } = elected
      if (errorCode !== ErrorCode.NONE) tell(`the move of ${name} ends with ${errorName(errorCode)}`)
    })
    return undefined
  },
}

/** Other replicas for a partition: a broker that has none instead of the leader; without such a one the leader less. */
function moved(replicas: readonly number[], leader: number, brokers: readonly number[]): number[] | undefined {
  const staying = replicas.filter(id => id !== leader)
  const spare = brokers.find(id => !replicas.includes(id))
  const target = spare === undefined ? staying : [...staying, spare]
  return target.length === 0 ? undefined : target
}

/**
 * Whether a partition is where it should be, with nothing more to come. An answer does not say so: replicas that an earlier
 * reassignment is still to remove go even if the later one has them (ReplicationControlManager.changePartitionReassignment
 * keeps what it has nothing new for), so the later one must be asked for again.
 */
function isSettledOn(partition: PartitionRegistration | undefined, replicas: readonly number[]): boolean {
  if (partition === undefined || partition.removingReplicas.length > 0) return false
  return replicas.every(id => partition.replicas.includes(id)) && partition.replicas.length === replicas.length
}

export const reassign: FaultKind = {
  name: 'reassign',
  summary:
    "a partition's leader gives its replica to another broker, or up where there is none; it comes back afterwards",
  longestMs: 10_000,
  inject(injection, fault) {
    const { admin, cluster, hit, tell } = injection
    const partition = partitionOf(injection, fault)
    if (partition === undefined) return undefined
    const { index, name, replicas, leader } = partition
    const original = cluster.assignment[index] ?? replicas
    const whole = replicas.length === original.length && partition.addingReplicas.length === 0
    if (!whole) return undefined
    const brokers = cluster.brokers.map(({ id }) => id)
    const target = moved(replicas, leader, brokers)
    if (target === undefined || leader < 0) return undefined
    hit(`reassigns ${name} from ${replicas.join(',')} to ${target.join(',')}`)
    admin.start(index, async () => {
      const { errorCode } = await admin.reassign(index, target)
      if (errorCode !== ErrorCode.NONE) tell(`the reassignment of ${name} ends with ${errorName(errorCode)}`)
    })
    return () => {
      tell(`reassigns ${name} back to ${original.join(',')}`)
      admin.owe(index, `${name} is not back on ${original.join(',')}`, async () => {
        const { errorCode } = await admin.reassign(index, original)
        return errorCode === ErrorCode.NONE && isSettledOn(partitionOf(injection, fault), original)
      })
    }
  },
}
