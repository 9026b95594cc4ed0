import { ApiError, ErrorCode } from '../protocol/errors.ts'
import type { ClusterControlManager } from './cluster-control-manager.ts'
import type { AllocateProducerIdsReply } from './controller-channel.ts'
import type { ControllerResult } from './controller-result.ts'
import type { ControllerState } from './controller-state.ts'

/** How many producer ids a broker gets at a time. */
export const PRODUCER_ID_BLOCK_SIZE = 1000

/** Gives out blocks of producer ids, each id once for ever. Kafka's class of the same name. */
export class ProducerIdControlManager {
  readonly #state: ControllerState
  readonly #cluster: ClusterControlManager

  constructor(state: ControllerState, cluster: ClusterControlManager) {
    this.#state = state
    this.#cluster = cluster
  }

  /** Throws STALE_BROKER_EPOCH for a broker that is not registered in this epoch. */
  generateNextProducerId(brokerId: number, brokerEpoch: number): ControllerResult<AllocateProducerIdsReply> {
    this.#cluster.checkBrokerEpoch(brokerId, brokerEpoch)
    const producerIdStart = this.#state.current.producerIds.nextProducerId
    const nextProducerId = producerIdStart + PRODUCER_ID_BLOCK_SIZE
    if (!Number.isSafeInteger(nextProducerId)) {
      throw new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, `no producer ids are left after ${producerIdStart}`)
    }
    return {
      records: [{ type: 'ProducerIdsRecord', data: { brokerId, brokerEpoch, nextProducerId } }],
      response: { producerIdStart, producerIdLen: PRODUCER_ID_BLOCK_SIZE },
    }
  }
}
