import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decodeRequestBody, encodeRequest, parseRequestHeader } from '../../../src/protocol/codec.ts'

/** Requests as real clients sent them, and what they say. Bytes within a body are written as `hex:…`. */
interface Golden {
  readonly client: string
  readonly requests: readonly GoldenRequest[]
}

interface GoldenRequest {
  readonly api: string
  readonly version: number
  readonly frame: string
  readonly correlationId: number
  readonly clientId: string
  readonly body: unknown
}

function load(name: string): Golden {
  return JSON.parse(readFileSync(new URL(`../../../fixtures/wire/${name}.json`, import.meta.url), 'utf8')) as Golden
}

function withHexBytes(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return `hex:${value.toString('hex')}`
  if (Array.isArray(value)) return value.map(withHexBytes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withHexBytes(inner)]))
}

describe.each(['kafkajs', 'platformatic', 'kcat'].map(load))('requests of $client', ({ requests }) => {
  it.each(requests)('$api version $version say what the client meant', request => {
    const frame = Buffer.from(request.frame, 'hex')

    const { api, header, bodyOffset } = parseRequestHeader(frame)
    const body = decodeRequestBody(api, header.apiVersion, frame, bodyOffset)

    expect(api.name).toBe(request.api)
    expect(header).toEqual({
      apiKey: api.key,
      apiVersion: request.version,
      correlationId: request.correlationId,
      clientId: request.clientId,
    })
    expect(withHexBytes(body)).toEqual(request.body)
  })

  it.each(requests)('$api version $version are written again byte for byte', request => {
    const frame = Buffer.from(request.frame, 'hex')
    const { api, header, bodyOffset } = parseRequestHeader(frame)

    const written = encodeRequest(
      api,
      header.apiVersion,
      header,
      decodeRequestBody(api, header.apiVersion, frame, bodyOffset),
    )

    expect(written.toString('hex')).toBe(request.frame)
  })
})
