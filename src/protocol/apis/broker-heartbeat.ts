import { api } from '../api.ts'
import { array, bool, int16, int32, int64, type Message, message, uuid } from '../schema.ts'

/**
 * BrokerHeartbeat Request (Version: 0-1, flexible from 0) => broker_id broker_epoch current_metadata_offset
 *     want_fence want_shut_down [offline_log_dirs]
 *   broker_id => INT32
 *   broker_epoch => INT64
 *   current_metadata_offset => INT64
 *   want_fence => BOOLEAN
 *   want_shut_down => BOOLEAN
 *   offline_log_dirs (tag 0, 1+) => ARRAY(UUID)
 */
export const BrokerHeartbeatRequest = message({
  brokerId: int32(),
  brokerEpoch: int64({ default: -1 }),
  currentMetadataOffset: int64(),
  wantFence: bool(),
  wantShutDown: bool(),
  offlineLogDirs: array(uuid(), { since: 1, tag: 0 }),
})
export type BrokerHeartbeatRequest = Message<typeof BrokerHeartbeatRequest>

/**
 * BrokerHeartbeat Response (Version: 0-1, flexible from 0) => throttle_time_ms error_code is_caught_up is_fenced
 *     should_shut_down
 *   throttle_time_ms => INT32
 *   error_code => INT16
 *   is_caught_up => BOOLEAN
 *   is_fenced => BOOLEAN
 *   should_shut_down => BOOLEAN
 */
export const BrokerHeartbeatResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  errorCode: int16({ default: 0 }),
  isCaughtUp: bool({ default: false }),
  isFenced: bool({ default: true }),
  shouldShutDown: bool({ default: false }),
})
export type BrokerHeartbeatResponse = Message<typeof BrokerHeartbeatResponse>

/** A broker keeps its session with the controller (KIP-631, KIP-858). */
export const BrokerHeartbeat = api({
  key: 63,
  name: 'BrokerHeartbeat',
  versions: [0, 1],
  flexibleSince: 0,
  request: BrokerHeartbeatRequest,
  response: BrokerHeartbeatResponse,
})
