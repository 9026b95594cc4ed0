import { expect, test } from 'vitest'
import { KafkaConfig } from '../../../src/server/config/kafka-config.ts'
import { groupCoordinatorConfigOf } from '../../../src/server/group-coordinator-config.ts'

const NODE = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  listeners: 'PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
  'controller.listener.names': 'CONTROLLER',
  'controller.quorum.voters': '1@127.0.0.1:9093',
  'log.dirs': 'data',
}

function configOf(properties: Readonly<Record<string, string>>): KafkaConfig {
  return KafkaConfig.fromProperties(new Map(Object.entries({ ...NODE, ...properties })))
}

test('consumer groups are configured as in Kafka unless it is said otherwise', () => {
  expect(groupCoordinatorConfigOf(configOf({}))).toMatchObject({
    consumerGroupSessionTimeoutMs: 45_000,
    consumerGroupHeartbeatIntervalMs: 5000,
    consumerGroupAssignors: ['uniform', 'range'],
    consumerGroupMigrationPolicy: 'bidirectional',
    consumerGroupRegexRefreshIntervalMs: 600_000,
  })
})

test('the policy of conversions is read in upper and lower case', () => {
  const config = configOf({ 'group.consumer.migration.policy': 'Upgrade' })

  expect(groupCoordinatorConfigOf(config).consumerGroupMigrationPolicy).toBe('upgrade')
})

test.each([
  ['group.consumer.session.timeout.ms', '44999', 'group.consumer.min.session.timeout.ms'],
  ['group.consumer.session.timeout.ms', '60001', 'group.consumer.max.session.timeout.ms'],
  ['group.consumer.heartbeat.interval.ms', '4999', 'group.consumer.min.heartbeat.interval.ms'],
  ['group.consumer.heartbeat.interval.ms', '15001', 'group.consumer.max.heartbeat.interval.ms'],
  ['group.consumer.assignors', '', 'group.consumer.assignors'],
  ['group.consumer.assignors', 'uniform,mine', 'group.consumer.assignors'],
  ['group.consumer.migration.policy', 'sometimes', 'group.consumer.migration.policy'],
  ['group.consumer.regex.refresh.interval.ms', '9999', 'group.consumer.regex.refresh.interval.ms'],
])('%s cannot be "%s", and %s is named', (key, value, named) => {
  expect(() => configOf({ [key]: value })).toThrow(named)
})

test('members must be heard of within their sessions', () => {
  const equal = {
    'group.consumer.min.session.timeout.ms': '5000',
    'group.consumer.session.timeout.ms': '5000',
  }

  expect(() => configOf(equal)).toThrow('must be less than group.consumer.session.timeout.ms')
})
