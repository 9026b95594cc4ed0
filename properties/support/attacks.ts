import fc from 'fast-check'
import { type Attack, HOSTILE_ENDINGS } from '../../harness/faults/hostile-peer.ts'
import { API_BY_KEY } from '../../src/protocol/apis/index.ts'
import {
  BAD_RECORDS,
  type BadRecords,
  GOLDEN_REQUESTS,
  produceFrame,
  requestFrame,
  sized,
} from '../../test/support/hostile-frames.ts'
import { requestArbitrary } from './requests.ts'
import { TOPIC } from './siege.ts'

/** `socket.request.max.bytes` of brokers under siege: small, so that sizes beyond it are drawn as often as those below. */
export const MAX_REQUEST_BYTES = 1_048_576

const MAX_PRINTED_BYTES = 200

type Payload = Pick<Attack, 'name' | 'bytes'>
type Pace = Pick<Attack, 'pieceBytes' | 'intervalMs'>

const golden = fc.constantFrom(...GOLDEN_REQUESTS)
const int16 = fc.integer({ min: -32_768, max: 32_767 })
const int32 = fc.integer({ min: -2_147_483_648, max: 2_147_483_647 })
const someBytes = (maxLength: number) => fc.uint8Array({ maxLength }).map(bytes => Buffer.from(bytes))

/** Bytes without any sense. */
const garbage: fc.Arbitrary<Payload> = someBytes(300).map(bytes => ({ name: 'garbage', bytes }))

/** The size of a frame, of which little or nothing follows. */
const announcement: fc.Arbitrary<Payload> = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(-2_147_483_648, -1, 0, 1, MAX_REQUEST_BYTES, MAX_REQUEST_BYTES + 1, 2_147_483_647),
      int32,
      fc.integer({ min: 0, max: MAX_REQUEST_BYTES }),
    ),
    someBytes(60),
  )
  .map(([size, bytes]) => ({ name: `a frame of ${size} bytes announced`, bytes: sized(bytes, size) }))

/** A real request whose end is missing. */
const truncation: fc.Arbitrary<Payload> = fc.tuple(golden, fc.nat({ max: 1_000 })).map(([{ name, frame }, cut]) => {
  const bytes = sized(frame)
  const kept = bytes.length - 1 - (cut % bytes.length)
  return { name: `the first ${kept} bytes of ${name}`, bytes: bytes.subarray(0, kept) }
})

/** An API or a version that does not exist, or is not served. */
const wrongVersion: fc.Arbitrary<Payload> = fc
  .tuple(fc.oneof(fc.constantFrom(...API_BY_KEY.keys()), int16), int16, someBytes(40))
  .map(([apiKey, version, body]) => ({
    name: `API ${apiKey} in version ${version}`,
    bytes: sized(requestFrame(apiKey, version, body)),
  }))

/** The head of a real request with another body behind it. */
const malformedBody: fc.Arbitrary<Payload> = fc
  .tuple(golden, fc.integer({ min: 8, max: 30 }), someBytes(80))
  .map(([{ name, frame }, kept, body]) => ({
    name: `the first ${kept} bytes of ${name} with another body`,
    bytes: sized(Buffer.concat([frame.subarray(0, kept), body])),
  }))

/** A real request with a few bytes changed. */
const mutation: fc.Arbitrary<Payload> = fc
  .tuple(golden, fc.array(fc.tuple(fc.nat({ max: 1_000 }), fc.integer({ min: 1, max: 255 })), { maxLength: 6 }))
  .map(([{ name, frame }, changes]) => {
    const bytes = Buffer.from(frame)
    // Nothing before the body: wrong keys, versions and sizes have attacks of their own.
    for (const [position, change] of changes) {
      const index = 8 + (position % (bytes.length - 8))
      bytes.writeUInt8(bytes.readUInt8(index) ^ change, index)
    }
    return { name: `${name} with ${changes.length} bytes changed`, bytes: sized(bytes) }
  })

/** Records that no broker may append, for the topic that matters. */
const badProduce: fc.Arbitrary<Payload> = fc
  .tuple(fc.constantFrom<BadRecords>(...BAD_RECORDS), fc.constantFrom(-1, 0, 1, 2), fc.constantFrom(3, 7, 9))
  .map(([{ name, records }, acks, version]) => ({
    name: `Produce v${version} with acks=${acks} and ${name}`,
    bytes: sized(produceFrame(records(), { topic: TOPIC, acks, version })),
  }))

/** Requests that are well-formed, and may make no sense at all; one after the other on one connection. */
const nonsense: fc.Arbitrary<Payload> = fc.array(requestArbitrary, { minLength: 1, maxLength: 4 }).map(requests => ({
  name: requests.map(({ name }) => name).join(', '),
  bytes: Buffer.concat(requests.map(({ frame }) => sized(frame))),
}))

/** Many requests at once, answers not waited for. */
const pipeline: fc.Arbitrary<Payload> = fc.tuple(golden, fc.integer({ min: 2, max: 200 })).map(([request, count]) => ({
  name: `${count} times ${request.name}`,
  bytes: Buffer.concat(Array.from({ length: count }, () => sized(request.frame))),
}))

/** Nothing but connections. */
const silence: fc.Arbitrary<Payload> = fc.constant({ name: 'nothing', bytes: Buffer.alloc(0) })

const atOnce: fc.Arbitrary<Pace> = fc.constant({ pieceBytes: 1_000_000, intervalMs: 0 })
/** Slow enough to be a nuisance, fast enough never to be idle for too long. */
const drip: fc.Arbitrary<Pace> = fc.record({
  pieceBytes: fc.integer({ min: 1, max: 20 }),
  intervalMs: fc.integer({ min: 1, max: 1_000 }),
})

function attacks(payload: fc.Arbitrary<Payload>, maxConnections: number, pace: fc.Arbitrary<Pace>) {
  return fc
    .record({
      payload,
      pace,
      atMs: fc.nat({ max: 2_000 }),
      connections: fc.integer({ min: 1, max: maxConnections }),
      reads: fc.boolean(),
      ending: fc.constantFrom(...HOSTILE_ENDINGS),
    })
    .map(({ payload, pace, ...attack }) => printable({ ...payload, ...pace, ...attack }))
}

/** The attack, so that a counterexample names it and does not list all of its bytes. */
function printable(attack: Attack): Attack {
  const describe = (): string => {
    const { bytes, ...rest } = attack
    const head = bytes.toString('hex', 0, MAX_PRINTED_BYTES)
    return JSON.stringify({ ...rest, bytes: bytes.length > MAX_PRINTED_BYTES ? `${head}…` : head })
  }
  return Object.defineProperty(attack, fc.toStringMethod, { value: describe })
}

const anyPayload = [
  garbage,
  announcement,
  truncation,
  wrongVersion,
  malformedBody,
  mutation,
  badProduce,
  nonsense,
] as const

/** Anything that a hostile peer may do. */
export const attackArbitrary: fc.Arbitrary<Attack> = fc.oneof(
  { arbitrary: attacks(fc.oneof(...anyPayload), 4, atOnce), weight: 6 },
  { arbitrary: attacks(pipeline, 2, atOnce), weight: 2 },
  { arbitrary: attacks(silence, 80, atOnce), weight: 1 },
  { arbitrary: attacks(announcement, 40, drip), weight: 1 },
  { arbitrary: attacks(fc.oneof(...anyPayload), 3, drip), weight: 1 },
)
