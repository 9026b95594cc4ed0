import { api } from '../api.ts'
import { array, bool, int16, int32, int64, type Message, message, string, uint16, uuid } from '../schema.ts'

/**
 * BrokerRegistration Request (Version: 0-4, flexible from 0) => broker_id cluster_id incarnation_id [listeners]
 *     [features] rack is_migrating_zk_broker [log_dirs] previous_broker_epoch
 *   broker_id => INT32
 *   cluster_id => STRING
 *   incarnation_id => UUID
 *   listeners => name host port security_protocol
 *     name => STRING
 *     host => STRING
 *     port => UINT16
 *     security_protocol => INT16
 *   features => name min_supported_version max_supported_version
 *     name => STRING
 *     min_supported_version => INT16
 *     max_supported_version => INT16
 *   rack => NULLABLE_STRING
 *   is_migrating_zk_broker (1+) => BOOLEAN
 *   log_dirs (2+) => ARRAY(UUID)
 *   previous_broker_epoch (3+) => INT64
 */
export const BrokerRegistrationRequest = message({
  brokerId: int32(),
  clusterId: string(),
  incarnationId: uuid(),
  listeners: array({ name: string(), host: string(), port: uint16(), securityProtocol: int16() }),
  features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
  rack: string({ nullable: true }),
  isMigratingZkBroker: bool({ since: 1, default: false }),
  logDirs: array(uuid(), { since: 2, ignorable: true }),
  previousBrokerEpoch: int64({ since: 3, default: -1, ignorable: true }),
})
export type BrokerRegistrationRequest = Message<typeof BrokerRegistrationRequest>

/**
 * BrokerRegistration Response (Version: 0-4, flexible from 0) => throttle_time_ms error_code broker_epoch
 *   throttle_time_ms => INT32
 *   error_code => INT16
 *   broker_epoch => INT64
 */
export const BrokerRegistrationResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  errorCode: int16({ default: 0 }),
  brokerEpoch: int64({ default: -1 }),
})
export type BrokerRegistrationResponse = Message<typeof BrokerRegistrationResponse>

/** A broker joins the cluster (KIP-631, KIP-858, KIP-966). */
export const BrokerRegistration = api({
  key: 62,
  name: 'BrokerRegistration',
  versions: [0, 4],
  flexibleSince: 0,
  request: BrokerRegistrationRequest,
  response: BrokerRegistrationResponse,
})
