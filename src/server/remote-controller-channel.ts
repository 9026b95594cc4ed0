import type {
  AllocateProducerIdsReply,
  AllocateProducerIdsRequest,
  BrokerHeartbeatReply,
  BrokerHeartbeatRequest,
  BrokerRegistrationReply,
  BrokerRegistrationRequest,
  ControllerChannel,
} from '../controller/controller-channel.ts'
import type { Api } from '../protocol/api.ts'
import { AllocateProducerIds } from '../protocol/apis/allocate-producer-ids.ts'
import {
  AlterPartition,
  type AlterPartitionRequest,
  type AlterPartitionResponse,
} from '../protocol/apis/alter-partition.ts'
import {
  AssignReplicasToDirs,
  type AssignReplicasToDirsRequest,
  type AssignReplicasToDirsResponse,
} from '../protocol/apis/assign-replicas-to-dirs.ts'
import { BrokerHeartbeat } from '../protocol/apis/broker-heartbeat.ts'
import { BrokerRegistration } from '../protocol/apis/broker-registration.ts'
import { CreateTopics, type CreateTopicsRequest, type CreateTopicsResponse } from '../protocol/apis/create-topics.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import type { Fields, Message, MessageInput } from '../protocol/schema.ts'
import type { NodeToControllerChannelManager } from './node-to-controller-channel-manager.ts'

/** What a broker asks of the controller on its own account; what clients want is forwarded instead. */
export type BrokerControllerChannel = Pick<
  ControllerChannel,
  | 'registerBroker'
  | 'brokerHeartbeat'
  | 'allocateProducerIds'
  | 'alterPartition'
  | 'assignReplicasToDirs'
  | 'createTopics'
>

type Channel = Pick<NodeToControllerChannelManager, 'sendRequest'>

/** As in Kafka, each purpose has a connection of its own, so that none waits behind another. */
export interface RemoteControllerChannels {
  readonly heartbeat: Channel
  readonly alterPartition: Channel
  readonly directoryAssignments: Channel
  readonly forwarding: Channel
}

/** The controller as brokers reach it: over the network, also when it is in the same process. */
export class RemoteControllerChannel implements BrokerControllerChannel {
  readonly #channels: RemoteControllerChannels

  constructor(channels: RemoteControllerChannels) {
    this.#channels = channels
  }

  async registerBroker(request: BrokerRegistrationRequest): Promise<BrokerRegistrationReply> {
    return send(this.#channels.heartbeat, BrokerRegistration, request)
  }

  async brokerHeartbeat(request: BrokerHeartbeatRequest): Promise<BrokerHeartbeatReply> {
    return send(this.#channels.heartbeat, BrokerHeartbeat, request)
  }

  async allocateProducerIds(request: AllocateProducerIdsRequest): Promise<AllocateProducerIdsReply> {
    return send(this.#channels.forwarding, AllocateProducerIds, request)
  }

  async alterPartition(request: AlterPartitionRequest): Promise<AlterPartitionResponse> {
    return this.#channels.alterPartition.sendRequest(AlterPartition, AlterPartition.versions[1], request)
  }

  async assignReplicasToDirs(request: AssignReplicasToDirsRequest): Promise<AssignReplicasToDirsResponse> {
    const version = AssignReplicasToDirs.versions[1]
    return this.#channels.directoryAssignments.sendRequest(AssignReplicasToDirs, version, request)
  }

  async createTopics(request: CreateTopicsRequest): Promise<CreateTopicsResponse> {
    return this.#channels.forwarding.sendRequest(CreateTopics, CreateTopics.versions[1], request)
  }
}

/** Sends a request in its newest version; the error of a whole response becomes an `ApiError`. */
async function send<Q extends Fields, S extends Fields>(
  channel: Channel,
  api: Api<Q, S>,
  body: MessageInput<Q>,
): Promise<Message<S>> {
  const response = await channel.sendRequest(api, api.versions[1], body)
  const { errorCode } = response as { readonly errorCode?: unknown }
  if (typeof errorCode === 'number' && errorCode !== ErrorCode.NONE) {
    throw new ApiError(errorCode as ErrorCode, `${api.name} was refused by the controller`)
  }
  return response
}
