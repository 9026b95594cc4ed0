import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import {
  CONSUMER_PROTOCOL_VERSION,
  consumerProtocolVersion,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../src/protocol/consumer-protocol.ts'

const require = createRequire(import.meta.url)
/** KafkaJS's own coding of version 1 and 0, from which it exports its metadata and assignments. */
const { MemberMetadata, MemberAssignment } = require('kafkajs/src/consumer/assignerProtocol') as {
  MemberMetadata: {
    encode(metadata: { version: number; topics: string[]; userData: Buffer }): Buffer
    decode(bytes: Buffer): { version: number; topics: string[]; userData: Buffer }
  }
  MemberAssignment: {
    encode(value: { version: number; assignment: Record<string, number[]>; userData: Buffer }): Buffer
    decode(bytes: Buffer): { version: number; assignment: Record<string, number[]>; userData: Buffer }
  }
}

describe('a subscription', () => {
  const full = {
    topics: ['a', 'bc'],
    userData: Buffer.from([7]),
    ownedPartitions: [{ topic: 'a', partitions: [0, 2] }],
    generationId: 5,
    rackId: 'r',
  }

  it('is written as Kafka writes its latest version', () => {
    const bytes = encodeSubscription(full)

    expect(bytes.toString('hex')).toBe(
      ['0003', '00000002', '000161', '00026263', '00000001', '07', '00000001', '000161', '00000002', '00000000']
        .concat(['00000002', '00000005', '000172'])
        .join(''),
    )
    expect(decodeSubscription(bytes)).toEqual(full)
  })

  it('leaves out of earlier versions what they cannot say', () => {
    expect(decodeSubscription(encodeSubscription(full, 0))).toEqual({
      topics: ['a', 'bc'],
      userData: Buffer.from([7]),
      ownedPartitions: [],
      generationId: -1,
      rackId: null,
    })
    expect(consumerProtocolVersion(encodeSubscription(full, 1))).toBe(1)
  })

  it('of a later version is read as the latest one known', () => {
    const later = Buffer.concat([encodeSubscription(full), Buffer.from('what came after')])
    later.writeInt16BE(CONSUMER_PROTOCOL_VERSION + 4)

    expect(decodeSubscription(later)).toEqual(full)
  })

  it('of KafkaJS is understood', () => {
    const encoded = MemberMetadata.encode({ version: 1, topics: ['t1', 't2'], userData: Buffer.from('u') })

    expect(
      decodeSubscription(MemberMetadata.encode({ version: 0, topics: ['t1'], userData: Buffer.from('u') })),
    ).toEqual({ topics: ['t1'], userData: Buffer.from('u'), ownedPartitions: [], generationId: -1, rackId: null })
    // Its version 1 lacks the partitions that a member owns, which Kafka refuses as well.
    expect(() => decodeSubscription(encoded)).toThrow('ownedPartitions')
  })

  it.each(['', '00', 'ffff00000000', '000000000001'])('cannot be read from %j', hex => {
    expect(() => decodeSubscription(Buffer.from(hex, 'hex'))).toThrow(/ConsumerProtocol|bytes|version/)
  })
})

describe('an assignment', () => {
  it('is written as Kafka writes it, and read by KafkaJS', () => {
    const bytes = encodeAssignment({ assignedPartitions: [{ topic: 'a', partitions: [1, 3] }] })

    expect(bytes.toString('hex')).toBe(
      '0003' + '00000001' + '000161' + '00000002' + '00000001' + '00000003' + 'ffffffff',
    )
    expect(decodeAssignment(bytes)).toEqual({
      assignedPartitions: [{ topic: 'a', partitions: [1, 3] }],
      userData: null,
    })
    expect(MemberAssignment.decode(bytes)).toMatchObject({ version: 3, assignment: { a: [1, 3] } })
  })

  it('of KafkaJS is understood', () => {
    const bytes = MemberAssignment.encode({ version: 1, assignment: { t: [0, 1] }, userData: Buffer.alloc(0) })

    expect(decodeAssignment(bytes)).toEqual({
      assignedPartitions: [{ topic: 't', partitions: [0, 1] }],
      userData: Buffer.alloc(0),
    })
  })
})
