import { ErrorCode, errorName } from '../../src/protocol/errors.ts'
import type { ClusterAdmin } from '../trial/cluster-admin.ts'
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
    const { admin, cluster, hit, tell } = injection
    const partition = partitionOf(injection, fault)
    if (partition === undefined) return undefined
    const { index, name, replicas, leader, isr } = partition
    // One that is in sync, as an operator would choose.
    const next = replicas.find(id => id !== leader && isr.includes(id))
    if (next === undefined) return undefined
    hit(`moves the leadership of ${name} from ${leader} to ${next}`)
    admin.start(index, async () => {
      // An order for replicas that another is just removing would not keep them.
      if (!(await admin.hasItsReplicas(index))) return tell(`the move of ${name} finds it on the move already`)
      // Those that it is to end up with: metadata may be older than what was done with the partition before.
      const whole = cluster.assignment[index] ?? replicas
      if (!whole.includes(next)) return tell(`the move of ${name} finds no replica that is to stay on ${next}`)
      const ordered = await admin.reassign(index, [next, ...whole.filter(id => id !== next)])
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
 * Owes a partition that it ends up with these replicas. That an order for them is accepted does not say so: replicas that an
 * earlier reassignment is still to remove go even if the later one has them (ReplicationControlManager.changePartitionReassignment
 * keeps what it has nothing new for). Nor does metadata, which may be older than the answer. So it is ordered until an order was
 * given while the controller had no reassignment under way, and had none after it.
 */
function owe(admin: ClusterAdmin, index: number, name: string, replicas: readonly number[]): void {
  let wasQuiet = false
  admin.owe(index, `${name} is not back on ${replicas.join(',')}`, async () => {
    const { errorCode } = await admin.reassign(index, replicas)
    const isQuiet = errorCode === ErrorCode.NONE && (await admin.hasItsReplicas(index))
    const isDone = wasQuiet && isQuiet
    wasQuiet = isQuiet
    return isDone
  })
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
      owe(admin, index, name, original)
    }
  },
}
