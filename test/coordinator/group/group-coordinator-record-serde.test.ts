import { describe, expect, it } from 'vitest'
import { UnknownRecordTypeError } from '../../../src/coordinator/common/coordinator-record-serde.ts'
import { groupCoordinatorRecordSerde as serde } from '../../../src/coordinator/group/group-coordinator-record-serde.ts'
import type { GroupCoordinatorRecord } from '../../../src/coordinator/group/group-coordinator-records.ts'

const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'
const TOPIC_ID = Buffer.alloc(16, 1).toString('base64url')
const TOPIC_ID_HEX = '01'.repeat(16)

/** Each record beside the bytes that Kafka's message definitions give it: key, then value. */
const GOLDEN: readonly [record: GroupCoordinatorRecord, key: string, value: string | null][] = [
  [
    {
      type: 'OffsetCommit',
      key: { group: 'g', topic: 't', partition: 2 },
      value: {
        offset: 258,
        leaderEpoch: 3,
        metadata: 'm',
        commitTimestamp: 1_700_000_000_000,
        expireTimestamp: -1,
        topicId: TOPIC_ID,
      },
    },
    '0001' + '000167' + '000174' + '00000002',
    ['0004', '0000000000000102', '00000003', '026d', '0000018bcfe56800', '01', '00', '10', TOPIC_ID_HEX].join(''),
  ],
  [
    {
      type: 'OffsetCommit',
      key: { group: 'g', topic: 't', partition: 2 },
      value: {
        offset: 258,
        leaderEpoch: -1,
        metadata: '',
        commitTimestamp: 1_700_000_000_000,
        expireTimestamp: -1,
        topicId: ZERO_UUID,
      },
    },
    '0001' + '000167' + '000174' + '00000002',
    '0004' + '0000000000000102' + 'ffffffff' + '01' + '0000018bcfe56800' + '00',
  ],
  [
    {
      type: 'OffsetCommit',
      key: { group: 'g', topic: 't', partition: 2 },
      value: {
        offset: 258,
        leaderEpoch: -1,
        metadata: 'm',
        commitTimestamp: 1_700_000_000_000,
        expireTimestamp: 1_700_000_000_001,
        topicId: ZERO_UUID,
      },
    },
    '0001' + '000167' + '000174' + '00000002',
    '0001' + '0000000000000102' + '00016d' + '0000018bcfe56800' + '0000018bcfe56801',
  ],
  [
    { type: 'OffsetCommit', key: { group: 'g', topic: 't', partition: 2 }, value: null },
    '0001' + '000167' + '000174' + '00000002',
    null,
  ],
  [
    {
      type: 'GroupMetadata',
      key: { group: 'g' },
      value: {
        protocolType: 'consumer',
        generation: 4,
        protocol: 'range',
        leader: 'm1',
        currentStateTimestamp: 1_700_000_000_000,
        members: [
          {
            memberId: 'm1',
            groupInstanceId: null,
            clientId: 'c',
            clientHost: '/127.0.0.1',
            rebalanceTimeout: 300_000,
            sessionTimeout: 45_000,
            subscription: Buffer.from([1, 2]),
            assignment: Buffer.from([3]),
          },
        ],
      },
    },
    '0002' + '000167',
    [
      '0003',
      '0008636f6e73756d6572',
      '00000004',
      '000572616e6765',
      '00026d31',
      '0000018bcfe56800',
      '00000001',
      '00026d31',
      'ffff',
      '000163',
      '000a2f3132372e302e302e31',
      '000493e0',
      '0000afc8',
      '000000020102',
      '0000000103',
    ].join(''),
  ],
  [
    { type: 'ConsumerGroupMetadata', key: { groupId: 'g' }, value: { epoch: 5, metadataHash: 0n } },
    '0003' + '000167',
    '0000' + '00000005' + '00',
  ],
  [
    { type: 'ConsumerGroupMetadata', key: { groupId: 'g' }, value: { epoch: 5, metadataHash: -2n } },
    '0003' + '000167',
    '0000' + '00000005' + '01' + '00' + '08' + 'fffffffffffffffe',
  ],
  [{ type: 'ConsumerGroupPartitionMetadata', key: { groupId: 'g' }, value: null }, '0004' + '000167', null],
  [
    {
      type: 'ConsumerGroupMemberMetadata',
      key: { groupId: 'g', memberId: 'm' },
      value: {
        instanceId: null,
        rackId: null,
        clientId: 'c',
        clientHost: 'h',
        subscribedTopicNames: ['t'],
        subscribedTopicRegex: null,
        rebalanceTimeoutMs: 1000,
        serverAssignor: null,
        classicMemberMetadata: {
          sessionTimeoutMs: 45_000,
          supportedProtocols: [{ name: 'range', metadata: Buffer.from([9]) }],
        },
      },
    },
    '0005' + '000167' + '00016d',
    [
      '0000',
      '00',
      '00',
      '0263',
      '0268',
      '02' + '0274',
      '00',
      '000003e8',
      '00',
      '01' + '00' + '10',
      '01' + '0000afc8' + '02' + '0672616e6765' + '0209' + '00' + '00',
    ].join(''),
  ],
  [
    { type: 'ConsumerGroupTargetAssignmentMetadata', key: { groupId: 'g' }, value: { assignmentEpoch: 6 } },
    '0006' + '000167',
    '0000' + '00000006' + '00',
  ],
  [
    {
      type: 'ConsumerGroupTargetAssignmentMember',
      key: { groupId: 'g', memberId: 'm' },
      value: { topicPartitions: [{ topicId: TOPIC_ID, partitions: [0, 1] }] },
    },
    '0007' + '000167' + '00016d',
    ['0000', '02', TOPIC_ID_HEX, '03', '00000000', '00000001', '00', '00'].join(''),
  ],
  [
    {
      type: 'ConsumerGroupCurrentMemberAssignment',
      key: { groupId: 'g', memberId: 'm' },
      value: {
        memberEpoch: 7,
        previousMemberEpoch: 6,
        state: 1,
        assignedPartitions: [{ topicId: TOPIC_ID, partitions: [1] }],
        partitionsPendingRevocation: [],
      },
    },
    '0008' + '000167' + '00016d',
    ['0000', '00000007', '00000006', '01', '02', TOPIC_ID_HEX, '02', '00000001', '00', '01', '00'].join(''),
  ],
  [
    {
      type: 'ConsumerGroupRegularExpression',
      key: { groupId: 'g', regularExpression: 't.*' },
      value: { topics: ['t1'], version: 9, timestamp: 10 },
    },
    '0010' + '000167' + '0003742e2a',
    '0000' + '02' + '037431' + '0000000000000009' + '000000000000000a' + '00',
  ],
]

describe('records of __consumer_offsets', () => {
  it.each(GOLDEN.map(([record, key, value]) => ({ name: record.type, record, key, value })))(
    '$name lies in the log as Kafka writes it: $value',
    ({ record, key, value }) => {
      const serialized = serde.serialize(record)

      expect(serialized.key.toString('hex')).toBe(key)
      expect(serialized.value?.toString('hex') ?? null).toBe(value)
      expect(serde.deserialize(serialized.key, serialized.value)).toEqual(record)
    },
  )

  it('of group metadata are read in every version that Kafka has written', () => {
    const key = Buffer.from('0002' + '000167', 'hex')
    const member = ['00026d31', '000163', '000168'] // id, client, host
    const version0 = ['0000', '000163', '00000001', 'ffff', 'ffff', '00000001', ...member, '0000afc8', '00000000']

    const record = serde.deserialize(key, Buffer.from(version0.concat('00000000').join(''), 'hex'))

    expect(record).toEqual({
      type: 'GroupMetadata',
      key: { group: 'g' },
      value: {
        protocolType: 'c',
        generation: 1,
        protocol: null,
        leader: null,
        currentStateTimestamp: -1,
        members: [
          {
            memberId: 'm1',
            groupInstanceId: null,
            clientId: 'c',
            clientHost: 'h',
            rebalanceTimeout: -1,
            sessionTimeout: 45_000,
            subscription: Buffer.alloc(0),
            assignment: Buffer.alloc(0),
          },
        ],
      },
    })
  })

  it('of the type that Kafka had before 0.9 say the same as offset commits', () => {
    const key = Buffer.from('0000' + '000167' + '000174' + '00000002', 'hex')
    const value = Buffer.from('0000' + '0000000000000102' + '00016d' + '0000018bcfe56800', 'hex')

    expect(serde.deserialize(key, value)).toEqual({
      type: 'OffsetCommit',
      key: { group: 'g', topic: 't', partition: 2 },
      value: {
        offset: 258,
        leaderEpoch: -1,
        metadata: 'm',
        commitTimestamp: 1_700_000_000_000,
        expireTimestamp: -1,
        topicId: ZERO_UUID,
      },
    })
  })

  it('of an unknown type say so, for a reader to pass over', () => {
    expect(() => serde.deserialize(Buffer.from('0063', 'hex'), null)).toThrow(UnknownRecordTypeError)
  })

  it('of an unknown version, or torn, cannot be read', () => {
    const key = Buffer.from('0002' + '000167', 'hex')

    expect(() => serde.deserialize(key, Buffer.from('0005', 'hex'))).toThrow('version 5 of GroupMetadataValue')
    expect(() => serde.deserialize(key, Buffer.from('0003', 'hex'))).toThrow('GroupMetadataValue.protocolType')
    expect(() => serde.deserialize(key.subarray(0, 1), null)).toThrow('int16')
  })
})
