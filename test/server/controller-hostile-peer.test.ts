import { expect, test } from 'vitest'
import type { Api } from '../../src/protocol/api.ts'
import { Envelope } from '../../src/protocol/apis/envelope.ts'
import { encodeRequest } from '../../src/protocol/codec.ts'
import { EncodeError } from '../../src/protocol/protocol-error.ts'
import type { Field, Fields, FieldType } from '../../src/protocol/schema.ts'
import { METADATA_TOPIC_ID, ZERO_UUID } from '../../src/protocol/uuid.ts'
import { AleaRandom } from '../../src/runtime/random-alea.ts'
import type { RandomStream } from '../../src/runtime/runtime.ts'
import { CONTROLLER_APIS } from '../../src/server/controller/controller-handlers.ts'
import { ANONYMOUS, serializePrincipal } from '../../src/server/kafka-principal.ts'
import { BrokerUnderTest } from '../support/broker-under-test.ts'
import { WireClient } from '../support/wire-client.ts'

const REQUESTS = 60
const NUMBERS = [-2_147_483_648, -1, 0, 1, 2, 7, 100, 2_147_483_647]
const SMALL_NUMBERS = [-128, -1, 0, 1, 2, 7, 100, 127]
const STRINGS = ['', 'orders', '__cluster_metadata', 'no/name', 'x'.repeat(300), '1', 'PLAINTEXT']

/** Something that has the form of the message and no sense. */
function nonsense(fields: Fields, version: number, random: RandomStream): Record<string, unknown> {
  const pick = <T>(values: readonly T[]): T => values[random.int(0, values.length - 1)] as T

  function struct(inner: Fields): Record<string, unknown> {
    const present = Object.entries(inner).filter(([, field]) => field.existsIn(version))
    return Object.fromEntries(present.map(([name, field]) => [name, fieldValue(field)]))
  }

  function fieldValue(field: Field): unknown {
    return field.nullableIn(version) && random.int(0, 2) === 0 ? null : value(field.type)
  }

  function value(type: FieldType): unknown {
    switch (type.kind) {
      case 'struct':
        return struct(type.fields)
      case 'array':
        return Array.from({ length: random.int(0, 2) }, () => value(type.element))
      case 'bool':
        return random.int(0, 1) === 0
      case 'string':
        return pick(STRINGS)
      case 'uuid':
        return pick([ZERO_UUID, METADATA_TOPIC_ID, random.bytes(16).toString('base64url')])
      case 'bytes':
      case 'records':
        return random.bytes(pick([0, 4, 16, 70]))
      case 'int8':
      case 'int16':
        return pick(SMALL_NUMBERS)
      case 'uint16':
      case 'uint32':
        return pick([0, 1, 9092])
      case 'float64':
        return pick([0, -1, Number.NaN])
      default:
        return pick(NUMBERS)
    }
  }

  return struct(fields)
}

/** The frame of such a request; undefined when the form does not allow what was drawn. */
function nonsenseFrame(api: Api, version: number, random: RandomStream): Buffer | undefined {
  try {
    const body = nonsense(api.request.fields, version, random) as never
    return encodeRequest<Fields>(api, version, { correlationId: 7, clientId: 'hostile' }, body)
  } catch (error) {
    if (error instanceof EncodeError) return undefined
    throw error
  }
}

async function besieged(frames: readonly { readonly api: Api; readonly version: number; readonly frame: Buffer }[]) {
  const unexpected: unknown[] = []
  const broker = await BrokerUnderTest.started({ onUnexpectedError: error => unexpected.push(error) })
  const admin = await broker.connect()
  await broker.createTopic(admin, 'orders')
  const port = broker.server.boundPort('CONTROLLER')
  let client = await WireClient.connect(broker.runtime, port)
  for (const { frame } of frames) {
    client.sendFrame(frame)
    await broker.runtime.settle()
    await broker.runtime.advance(1000)
    if (client.ending !== undefined) client = await WireClient.connect(broker.runtime, port)
    else if (client.hasFrame) await client.receiveFrame()
    else throw new Error('neither an answer nor the end of the connection')
  }
  client.close()
  return { broker, unexpected }
}

const CASES = CONTROLLER_APIS.filter(({ key }) => key !== Envelope.key).flatMap(api => {
  const [first, last] = api.versions
  return [...new Set([first, last])].map((version): [string, number, Api] => [api.name, version, api])
})

test.each(CASES)('a controller answers any %s request of version %i, or hangs up', async (name, version, api) => {
  const random = new AleaRandom('hostile').stream(`${name} ${version}`)
  const frames = Array.from({ length: REQUESTS }, () => nonsenseFrame(api, version, random))
  const sent = frames.flatMap(frame => (frame === undefined ? [] : [{ api, version, frame }]))

  const { broker, unexpected } = await besieged(sent)

  expect(sent.length).toBeGreaterThan(0)
  expect(unexpected).toEqual([])
  expect(broker.halts).toEqual([])
  await broker.stop()
})

test('a controller answers any request in an envelope', async () => {
  const random = new AleaRandom('hostile').stream('envelope')
  const sent = CASES.flatMap(([, version, api]) => {
    const frames = Array.from({ length: 10 }, () => nonsenseFrame(api, version, random))
    return frames.flatMap(requestData => {
      if (requestData === undefined) return []
      const body = { requestData, requestPrincipal: serializePrincipal(ANONYMOUS), clientHostAddress: Buffer.alloc(4) }
      return [{ api, version, frame: encodeRequest(Envelope, 0, { correlationId: 7, clientId: 'hostile' }, body) }]
    })
  })

  const { broker, unexpected } = await besieged(sent)

  expect(unexpected).toEqual([])
  expect(broker.halts).toEqual([])
  await broker.stop()
})
