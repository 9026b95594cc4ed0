import { describe, expect, it } from 'vitest'
import { ApiVersions } from '../../src/protocol/apis/api-versions.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import {
  decodeRequestBody,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  parseRequestHeader,
} from '../../src/protocol/codec.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { EncodeError, ProtocolError, UnsupportedVersionError } from '../../src/protocol/protocol-error.ts'

function frame(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex')
}

describe('requests', () => {
  it('begin with a header of version 1 before flexible versions and of version 2 from then on', () => {
    const body = { topics: null }

    const plain = encodeRequest(Metadata, 8, { correlationId: 5, clientId: 'me' }, body)
    const flexible = encodeRequest(Metadata, 9, { correlationId: 5, clientId: 'me' }, body)

    expect(plain).toEqual(frame('0003 0008 00000005 0002 6d65 ffffffff 01 00 00'))
    expect(flexible).toEqual(frame('0003 0009 00000005 0002 6d65 00 00 01 00 00 00'))
  })

  it.each([8, 9])('are read back by header and body in version %d', version => {
    const header = { apiKey: 3, apiVersion: version, correlationId: -1, clientId: null }
    const bytes = encodeRequest(Metadata, version, header, { topics: [{ name: 'topic' }] })

    const parsed = parseRequestHeader(bytes)
    const body = decodeRequestBody(Metadata, version, bytes, parsed.bodyOffset)

    expect(parsed.api).toBe(Metadata)
    expect(parsed.header).toEqual(header)
    expect(body.topics).toEqual([{ name: 'topic', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }])
  })

  it('may carry tagged fields in their header, which are skipped', () => {
    const bytes = frame('0003 0009 00000005 0002 6d65 02 00 01 ff 07 00 00 01 00 00 00')

    const { header, bodyOffset } = parseRequestHeader(bytes)

    expect(header.clientId).toBe('me')
    expect(decodeRequestBody(Metadata, 9, bytes, bodyOffset).topics).toBeNull()
  })

  it('may have bytes after their end, which are ignored as in Kafka', () => {
    const bytes = frame('0003 0008 00000005 0002 6d65 ffffffff 01 00 00 dead')
    const { bodyOffset } = parseRequestHeader(bytes)

    expect(decodeRequestBody(Metadata, 8, bytes, bodyOffset).topics).toBeNull()
  })

  it.each([
    ['an unknown API', '0fff 0000 00000005 ffff', 'unknown API key 4095 (version 0)'],
    [
      'a version above the range',
      '0003 000e 00000005 ffff',
      'version 14 of API key 3 is not supported, versions 0-13 are',
    ],
    [
      'a version that is only advertised',
      '0000 0002 00000005 ffff',
      'version 2 of API key 0 is not supported, versions 3-13 are',
    ],
    ['a negative version', '0003 ffff 00000005 ffff', 'version -1 of API key 3 is not supported, versions 0-13 are'],
  ])('of %s are refused as such', (_, hex, message) => {
    expect(() => parseRequestHeader(frame(hex))).toThrow(
      expect.objectContaining({ constructor: UnsupportedVersionError, message }),
    )
  })

  it('that end within the header are malformed', () => {
    expect(() => parseRequestHeader(frame('0003 0008 00000005 0005 6d65'))).toThrow(
      expect.objectContaining({
        constructor: ProtocolError,
        message: 'RequestHeader at byte 10: string needs 5 bytes, 2 are left',
      }),
    )
    expect(() => parseRequestHeader(Buffer.alloc(0))).toThrow(ProtocolError)
  })

  it('for ApiVersions pass with their header in any version, so that they can be answered', () => {
    const parsed = parseRequestHeader(frame('0012 0063 00000005 0002 6d65 00 ffff'))

    expect(parsed.header).toEqual({ apiKey: 18, apiVersion: 99, correlationId: 5, clientId: 'me' })
    expect(parsed.api.accepts(99)).toBe(false)
    expect(() => decodeRequestBody(parsed.api, 99, Buffer.alloc(9), 0)).toThrow(UnsupportedVersionError)
  })

  it('are not written in a version that is not accepted, or with what is no header', () => {
    const body = { acks: 1, timeoutMs: 0, topicData: [] }

    expect(() => encodeRequest(Produce, 2, { correlationId: 0, clientId: null }, body)).toThrow(UnsupportedVersionError)
    expect(() => encodeRequest(Produce, 3, { correlationId: 2 ** 31, clientId: null }, body)).toThrow(
      new EncodeError('2147483648 is no int32').within('RequestHeader'),
    )
  })
})

describe('responses', () => {
  const metadata = { brokers: [], topics: [] }

  it('begin with a header of version 0 before flexible versions and of version 1 from then on', () => {
    expect(encodeResponse(Metadata, 0, 5, metadata)).toEqual(frame('00000005 00000000 00000000'))
    expect(encodeResponse(Metadata, 9, 5, metadata)).toEqual(
      frame('00000005 00 00000000 01 00 ffffffff 01 80000000 00'),
    )
  })

  it('of ApiVersions keep header version 0 in flexible versions', () => {
    const bytes = encodeResponse(ApiVersions, 3, 5, { errorCode: 0, apiKeys: [] })

    expect(bytes).toEqual(frame('00000005 0000 01 00000000 00'))
    expect(decodeResponse(ApiVersions, 3, bytes)).toMatchObject({ correlationId: 5, body: { errorCode: 0 } })
  })

  it('are read back with their correlation id', () => {
    const bytes = encodeResponse(Metadata, 12, 77, { ...metadata, clusterId: 'c', controllerId: 2 })

    expect(decodeResponse(Metadata, 12, bytes)).toMatchObject({
      correlationId: 77,
      body: { ...metadata, clusterId: 'c', controllerId: 2 },
    })
  })

  it.each([1, 2, 3, 4])('of ApiVersions in version 0 are understood by who asked in version %d', version => {
    const apiKeys = [{ apiKey: 18, minVersion: 0, maxVersion: 0 }]
    const bytes = encodeResponse(ApiVersions, 0, 5, { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys })

    expect(decodeResponse(ApiVersions, version, bytes).body).toMatchObject({ errorCode: 35, apiKeys })
  })

  it('that are cut short are malformed', () => {
    const bytes = encodeResponse(Metadata, 9, 5, metadata)

    expect(() => decodeResponse(Metadata, 9, bytes.subarray(0, -1))).toThrow(ProtocolError)
    expect(() => decodeResponse(ApiVersions, 3, frame('00000005 00'))).toThrow(ProtocolError)
  })
})
