import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Attack, HOSTILE_ENDINGS } from '../harness/faults/hostile-peer.ts'
import { ApiVersions } from '../src/protocol/apis/api-versions.ts'
import { encodeRequest } from '../src/protocol/codec.ts'
import { BrokerUnderTest } from '../test/support/broker-under-test.ts'
import { BOMBS, GOLDEN_TOPIC, produceFrame, sized } from '../test/support/hostile-frames.ts'
import { WireClient } from '../test/support/wire-client.ts'
import { libraryAppender, rawAppender } from './support/appenders.ts'
import { attackArbitrary, MAX_REQUEST_BYTES } from './support/attacks.ts'
import { requestArbitrary } from './support/requests.ts'
import { besiege, type MakeAppender, TOPIC } from './support/siege.ts'

/** A well-behaved client's send takes a few milliseconds; whatever others do, it may not take longer than this. */
const MAX_SEND_MS = 100
/** So large that what hostile peers announce cannot exhaust it: what happens when they can is told below. */
const MEMORY_POOL_BYTES = 1_000 * MAX_REQUEST_BYTES

/** A request asks to wait for half a second at most, and a broker needs little more. */
const MAX_WAIT_MS = 1_000

const CONFIG = {
  'socket.request.max.bytes': `${MAX_REQUEST_BYTES}`,
  'queued.max.request.bytes': `${MEMORY_POOL_BYTES}`,
}

/** The client loses nothing and waits for nothing, and the broker is afterwards as if nothing had been. */
async function expectNobodyNotices(seed: string, attacks: readonly Attack[], makeAppender: MakeAppender) {
  const { slowestMs, sent, ...report } = await besiege({ seed, attacks, makeAppender, config: CONFIG })
  expect(report).toEqual({
    logged: sent,
    connectionsLeft: 0,
    socketsLeft: 0,
    requestQueueSize: 0,
    responseQueueSize: 0,
    memoryPoolUsed: 0,
    disk: [],
  })
  expect(slowestMs).toBeLessThan(MAX_SEND_MS)
}

async function expectNobodyEverNotices(seed: number, runs: number, makeAppender: MakeAppender) {
  const attacks = fc.array(attackArbitrary, { minLength: 1, maxLength: 6 })
  const property = fc.asyncProperty(attacks, drawn => expectNobodyNotices(`${seed}`, drawn, makeAppender))
  await fc.assert(property, { seed, numRuns: runs })
}

describe('whatever hostile peers send', () => {
  it('a client that never tries twice loses nothing and waits for nothing', async () => {
    await expectNobodyEverNotices(301, 100, rawAppender)
  })

  it('KafkaJS without retries loses nothing and waits for nothing', async () => {
    await expectNobodyEverNotices(302, 100, await libraryAppender('kafkajs'))
  })

  it('platformatic without retries loses nothing and waits for nothing', async () => {
    await expectNobodyEverNotices(303, 100, await libraryAppender('platformatic'))
  })
})

const EVERY_ENDING: readonly Pick<Attack, 'reads' | 'ending'>[] = HOSTILE_ENDINGS.flatMap(ending => [
  { reads: true, ending },
  { reads: false, ending },
])

/** One attack in all its variants, ten milliseconds after one another. */
function inWaves(waves: number, attack: Pick<Attack, 'name' | 'bytes' | 'connections'> & Partial<Attack>): Attack[] {
  return Array.from({ length: waves }, (_, wave) => ({
    pieceBytes: 1_000_000,
    intervalMs: 0,
    atMs: wave * 10,
    ...(EVERY_ENDING[wave % EVERY_ENDING.length] as (typeof EVERY_ENDING)[number]),
    ...attack,
  }))
}

describe('nobody notices', () => {
  it('thousands of connections that come and go', async () => {
    const attacks = inWaves(100, { name: 'nothing', bytes: Buffer.alloc(0), connections: 30 })
    await expectNobodyNotices('connections', attacks, rawAppender)
  })

  it('a thousand connections that stay and never say a word, of peers that are no more', async () => {
    const attacks = inWaves(20, { name: 'nothing', bytes: Buffer.alloc(0), connections: 50, ending: 'vanish' })
    await expectNobodyNotices('half-open', attacks, rawAppender)
  })

  it('a hundred peers that announce large frames and send them byte by byte', async () => {
    const bytes = sized(Buffer.alloc(40), MAX_REQUEST_BYTES)
    const attacks = inWaves(1, { name: 'slow-loris', bytes, connections: 100, pieceBytes: 1, intervalMs: 1_000 })
    await expectNobodyNotices('slow-loris', attacks, rawAppender)
  })

  it('decompression bombs of every codec', async () => {
    const attacks = BOMBS.flatMap(({ name, records }, index) =>
      [-1, 0].map((acks, variant): Attack => {
        const bytes = sized(produceFrame(records(), { topic: TOPIC, acks }))
        const [attack] = inWaves(1, { name, bytes, connections: 1, atMs: index * 100 + variant * 50 })
        return attack as Attack
      }),
    )
    await expectNobodyNotices('bombs', attacks, rawAppender)
  })
})

describe('any well-formed request, sense or not', () => {
  it('is answered, and what comes after it in its turn, unless it is a Produce request that asks for no answer', async () => {
    const probe = encodeRequest(ApiVersions, 0, { correlationId: 99, clientId: null }, {})
    const property = fc.asyncProperty(fc.array(requestArbitrary, { minLength: 1, maxLength: 5 }), async requests => {
      const broker = await BrokerUnderTest.started()
      await broker.createTopic(await broker.connect(), GOLDEN_TOPIC, 3)
      const client = await WireClient.connect(broker.runtime, broker.server.boundPort())

      for (const { frame } of requests) client.sendFrame(frame)
      client.sendFrame(probe)
      await broker.runtime.advance(requests.length * MAX_WAIT_MS)

      let last = 0
      while (client.hasFrame) last = (await client.receiveFrame()).readInt32BE(0)
      const mayBeClosed = requests.some(({ name }) => /^Produce .*"acks":0/.test(name))
      if (!mayBeClosed || client.ending === undefined) expect(last).toBe(99)
      await broker.stop()
    })
    await fc.assert(property, { seed: 304, numRuns: 150 })
  })
})
