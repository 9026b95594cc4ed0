import { DescribeCluster } from '../../protocol/apis/describe-cluster.ts'
import { DescribeQuorum } from '../../protocol/apis/describe-quorum.ts'
import { UnregisterBroker } from '../../protocol/apis/unregister-broker.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { exceptionFor, KafkaError } from '../errors.ts'
import type { Node } from '../node.ts'
import type { AdminCallOptions, AdminContext } from './admin-context.ts'

const METADATA_TOPIC = '__cluster_metadata'

export interface ClusterDescription {
  readonly clusterId: string
  /** The broker that stands for the controller; undefined while there is none. */
  readonly controller: Node | undefined
  readonly nodes: readonly Node[]
}

/** How far one node's copy of the metadata log is. */
export interface QuorumReplicaState {
  readonly replicaId: number
  readonly logEndOffset: number
  /** Milliseconds since 1970 on the leader's clock; undefined: never, or the leader itself. */
  readonly lastFetchTimestamp: number | undefined
  readonly lastCaughtUpTimestamp: number | undefined
}

export interface QuorumInfo {
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly highWatermark: number
  readonly voters: readonly QuorumReplicaState[]
  readonly observers: readonly QuorumReplicaState[]
}

export async function describeCluster(context: AdminContext, options: AdminCallOptions): Promise<ClusterDescription> {
  const { body } = await context.runnable.call(
    {
      name: 'describeCluster',
      node: 'least-loaded',
      api: DescribeCluster,
      body: () => ({}),
      check: ({ errorCode, errorMessage }) => throwError(errorCode, errorMessage),
    },
    context.deadlineMs(options),
  )
  const nodes = body.brokers.map(({ brokerId, host, port, rack }) => ({ id: brokerId, host, port, rack }))
  return { clusterId: body.clusterId, controller: nodes.find(({ id }) => id === body.controllerId), nodes }
}

export async function describeMetadataQuorum(context: AdminContext, options: AdminCallOptions): Promise<QuorumInfo> {
  const { body } = await context.runnable.call(
    {
      name: 'describeMetadataQuorum',
      node: 'least-loaded',
      api: DescribeQuorum,
      body: () => ({ topics: [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] }] }),
      check: ({ errorCode, errorMessage, topics }) => {
        throwError(errorCode, errorMessage)
        const partition = topics[0]?.partitions[0]
        if (partition !== undefined) throwError(partition.errorCode, partition.errorMessage)
      },
    },
    context.deadlineMs(options),
  )
  const partition = body.topics[0]?.partitions[0]
  if (partition === undefined) throw new KafkaError('the answer tells nothing of the metadata log')
  const { leaderId, leaderEpoch, highWatermark, currentVoters, observers } = partition
  return {
    leaderId,
    leaderEpoch,
    highWatermark,
    voters: currentVoters.map(replicaState),
    observers: observers.map(replicaState),
  }
}

export async function unregisterBroker(
  context: AdminContext,
  brokerId: number,
  options: AdminCallOptions,
): Promise<void> {
  await context.runnable.call(
    {
      name: 'unregisterBroker',
      node: 'least-loaded',
      api: UnregisterBroker,
      body: () => ({ brokerId }),
      check: ({ errorCode, errorMessage }) => throwError(errorCode, errorMessage),
    },
    context.deadlineMs(options),
  )
}

/** Throws what an error code stands for, unless it is NONE. */
export function throwError(errorCode: number, message?: string | null): void {
  if (errorCode !== ErrorCode.NONE) throw exceptionFor(errorCode, message)
}

interface WireReplicaState {
  readonly replicaId: number
  readonly logEndOffset: number
  readonly lastFetchTimestamp: number
  readonly lastCaughtUpTimestamp: number
}

function replicaState(state: WireReplicaState): QuorumReplicaState {
  const known = (timestamp: number) => (timestamp < 0 ? undefined : timestamp)
  return {
    replicaId: state.replicaId,
    logEndOffset: state.logEndOffset,
    lastFetchTimestamp: known(state.lastFetchTimestamp),
    lastCaughtUpTimestamp: known(state.lastCaughtUpTimestamp),
  }
}
