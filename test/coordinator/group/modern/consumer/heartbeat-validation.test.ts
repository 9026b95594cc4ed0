import { expect, test } from 'vitest'
import { invalidConsumerGroupHeartbeat } from '../../../../../src/coordinator/group/modern/consumer/heartbeat-validation.ts'
import type { ConsumerGroupHeartbeatRequest } from '../../../../../src/protocol/apis/consumer-group-heartbeat.ts'

const JOIN: ConsumerGroupHeartbeatRequest = {
  groupId: 'group',
  memberId: 'A',
  memberEpoch: 0,
  instanceId: null,
  rackId: null,
  rebalanceTimeoutMs: 1000,
  subscribedTopicNames: ['orders'],
  subscribedTopicRegex: null,
  serverAssignor: null,
  topicPartitions: [],
}

function errorOf(changes: Partial<ConsumerGroupHeartbeatRequest>, apiVersion = 1): string {
  return invalidConsumerGroupHeartbeat({ ...JOIN, ...changes }, apiVersion, ['uniform'])?.errorName ?? 'NONE'
}

test('a request that says all of a member that joins is valid, from version 1 on with its id', () => {
  expect(errorOf({})).toBe('NONE')
  expect(errorOf({ memberId: '' }, 0)).toBe('NONE')
  expect(errorOf({ memberId: '' })).toBe('INVALID_REQUEST')
  expect(errorOf({ subscribedTopicNames: [] })).toBe('NONE')
})

test.each<[string, Partial<ConsumerGroupHeartbeatRequest>]>([
  ['without a group', { groupId: ' ' }],
  ['with an empty name', { instanceId: '' }],
  ['with an empty rack', { rackId: '' }],
  ['without a rebalance timeout', { rebalanceTimeoutMs: -1 }],
  ['with partitions', { topicPartitions: [{ topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions: [0] }] }],
  ['that does not say its partitions', { topicPartitions: null }],
  ['that does not say what it reads', { subscribedTopicNames: null }],
  ['that leaves for a while without a name', { memberEpoch: -2 }],
  ['with an epoch below those that mean something', { memberEpoch: -3 }],
  ['that leaves without an id', { memberEpoch: -1, memberId: '' }],
])('a member %s is refused', (_, changes) => {
  expect(errorOf(changes)).toBe('INVALID_REQUEST')
})

test('an assignor that is not there is refused, a pattern stands for names', () => {
  expect(errorOf({ serverAssignor: 'range' })).toBe('UNSUPPORTED_ASSIGNOR')
  expect(errorOf({ subscribedTopicRegex: 'ord.*', subscribedTopicNames: null })).toBe('NONE')
  expect(errorOf({ subscribedTopicRegex: '', subscribedTopicNames: null })).toBe('NONE')
})
