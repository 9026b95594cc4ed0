import { describe, expect, test } from 'vitest'
import { metadataRecordSerde, UnknownMetadataRecordError } from '../../src/controller/metadata-record-serde.ts'
import type { MetadataRecord } from '../../src/controller/metadata-records.ts'
import { ProtocolError } from '../../src/protocol/protocol-error.ts'

const ZEROS_AND_ONE = 'AAAAAAAAAAAAAAAAAAAAAQ'

describe('metadataRecordSerde', () => {
  test.each<[string, MetadataRecord, string]>([
    [
      'a feature level',
      { type: 'FeatureLevelRecord', data: { name: 'metadata.version', featureLevel: 29 } },
      // frame 1, key 12, version 0; compact string of 16, int16 29, no tagged fields
      '010c00116d657461646174612e76657273696f6e001d00',
    ],
    [
      'a topic',
      { type: 'TopicRecord', data: { name: 'foo', topicId: ZEROS_AND_ONE } },
      '01020004666f6f0000000000000000000000000000000100',
    ],
    ['a no-op', { type: 'NoOpRecord', data: {} }, '01140000'],
    [
      'an unfenced broker',
      {
        type: 'BrokerRegistrationChangeRecord',
        data: { brokerId: 1, brokerEpoch: 5, fenced: -1, inControlledShutdown: 0, logDirs: [] },
      },
      // one tagged field: number 0, one byte, -1
      '0111020000000100000000000000050100' + '01ff',
    ],
    [
      'a removed configuration',
      { type: 'ConfigRecord', data: { resourceType: 2, resourceName: 't', name: 'a', value: null } },
      '010400020274026100' + '00',
    ],
  ])('writes %s as Kafka does, and reads it back', (_what, record, hex) => {
    expect(metadataRecordSerde.write(record).toString('hex')).toBe(hex)
    expect(metadataRecordSerde.read(Buffer.from(hex, 'hex'))).toEqual(record)
  })

  test('reads records of earlier versions', () => {
    // PartitionRecord version 0: no directories, no eligible replicas
    const hex =
      '010300' +
      '00000000' +
      '0000000000000000000000000000000102000000010200000001' +
      '01010000000100000000' +
      '00000000' +
      '00'

    expect(metadataRecordSerde.read(Buffer.from(hex, 'hex'))).toMatchObject({
      type: 'PartitionRecord',
      data: { partitionId: 0, topicId: ZEROS_AND_ONE, replicas: [1], isr: [1], leader: 1, directories: [] },
    })
  })

  test.each([
    ['an unknown frame version', '020c00'],
    ['an unknown key', '017f00'],
    ['an unknown version', '010209'],
  ])('refuses %s', (_what, hex) => {
    expect(() => metadataRecordSerde.read(Buffer.from(hex, 'hex'))).toThrow(UnknownMetadataRecordError)
  })

  test('refuses a torn record', () => {
    expect(() => metadataRecordSerde.read(Buffer.from('01020004666f', 'hex'))).toThrow(ProtocolError)
  })
})
