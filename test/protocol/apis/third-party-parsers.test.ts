import { createRequire } from 'node:module'
import * as platformatic from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import type { Api } from '../../../src/protocol/api.ts'
import { API_BY_KEY } from '../../../src/protocol/apis/index.ts'
import { sampleMessage } from '../support/sample-message.ts'

const require = createRequire(import.meta.url)

/** Every version of every API, where `parser` finds a parser of a response body in that version. */
function cases<P>(parser: (api: Api, version: number) => P | undefined) {
  return [...API_BY_KEY.values()].flatMap(api => {
    const [first, last] = api.versions
    return Array.from({ length: last - first + 1 }, (_, index) => first + index).flatMap(version => {
      const parse = parser(api, version)
      return parse === undefined ? [] : [{ name: api.name, version, api, parse }]
    })
  })
}

const camelCase = (name: string) => `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`

/** What stands at the end of a response header of version 1. */
const NO_TAGS = Buffer.from([0])

/** Where kafkajs takes that for the beginning of the body, and does not keep error messages. */
const OWN_WAY = new Set(['AlterPartitionReassignments', 'ListPartitionReassignments'])

describe('responses read by kafkajs', () => {
  type Parse = (body: Buffer) => Promise<unknown>

  function kafkajsParser(api: Api, version: number): Parse | undefined {
    try {
      return (
        require(`kafkajs/src/protocol/requests/${camelCase(api.name)}/v${version}/response`) as {
          readonly decode: Parse
        }
      ).decode
    } catch {
      return undefined // a version that kafkajs does not have
    }
  }

  const all = cases(kafkajsParser)

  it.each(all)('$name version $version say, value for value, what was written', async ({ api, version, parse }) => {
    const message = sampleMessage(api.response.fields, version)
    const body = api.response.encode(version, message)

    const own = OWN_WAY.has(api.name)
    const parsed = await parse(own ? Buffer.concat([NO_TAGS, body]) : body)

    // kafkajs has names of its own but keeps the order of the wire, and has int64 as text.
    expect(scalars(parsed)).toEqual(scalars(message).filter(text => !(own && text === 'null')))
  })

  it('are of the versions that kafkajs speaks', () => {
    expect(all.length).toBe(76)
  })

  function scalars(value: unknown): string[] {
    if (Buffer.isBuffer(value)) return []
    if (Array.isArray(value)) return value.flatMap(scalars)
    if (typeof value !== 'object' || value === null) return [String(value)]
    return Object.entries(value).flatMap(([name, inner]) =>
      /throttleTime|records|messages|isDefault/i.test(name) ? [] : scalars(inner),
    )
  }
})

describe('responses read by @platformatic/kafka', () => {
  type Parse = (correlationId: number, apiKey: number, apiVersion: number, reader: platformatic.Reader) => unknown
  interface Module {
    readonly api: (connection: { send: (key: number, version: number, create: unknown, parse: Parse) => void }) => void
  }

  function platformaticParser(api: Api, version: number): Parse | undefined {
    const module = (platformatic as Readonly<Record<string, unknown>>)[`${camelCase(api.name)}V${version}`]
    if (module === undefined || (api.name === 'FindCoordinator' && version < 4)) return undefined // brought into a newer form
    let found: Parse | undefined
    const connection = {
      send: (_key: number, _version: number, _create: unknown, parse: Parse) => {
        found = parse
      },
    }
    ;(module as Module).api(connection)
    return found
  }

  const all = cases(platformaticParser)

  it.each(all)('$name version $version say, field for field, what was written', ({ api, version, parse }) => {
    const message = sampleMessage(api.response.fields, version)
    const reader = platformatic.Reader.from(api.response.encode(version, message))

    const parsed = parse(0, api.key, version, reader)

    expect(reader.remaining).toBe(0)
    expect(inKafkaForm(parsed)).toMatchObject(inItsWords(api.name, message) as object)
  })

  it('are of the versions that it speaks', () => {
    expect(all.length).toBe(167)
  })

  function inKafkaForm(value: unknown): unknown {
    if (typeof value === 'bigint') return Number(value)
    if (typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)) {
      return Buffer.from(value.replaceAll('-', ''), 'hex').toString('base64url')
    }
    if (Array.isArray(value)) return value.map(inKafkaForm)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, inKafkaForm(inner)]))
  }

  /** It parses records, in Fetch takes the topic's name for its id, and leaves out a tagged field. */
  function inItsWords(apiName: string, value: unknown): unknown {
    if (Array.isArray(value)) return value.map(inner => inItsWords(apiName, inner))
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value)
      .filter(([name]) => name !== 'records' && name !== 'topicConfigErrorCode')
      .map(([name, inner]) => [apiName === 'Fetch' && name === 'topic' ? 'topicId' : name, inItsWords(apiName, inner)])
    return Object.fromEntries(entries)
  }
})
