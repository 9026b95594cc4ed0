import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Attack } from '../harness/faults/hostile-peer.ts'
import { libraryAppender, rawAppender } from './support/appenders.ts'
import { attackArbitrary, MAX_REQUEST_BYTES } from './support/attacks.ts'
import { besiege, type MakeAppender } from './support/siege.ts'

/** A well-behaved client's send takes a few milliseconds; whatever others do, it may not take longer than this. */
const MAX_SEND_MS = 1_000
/** So large that what hostile peers announce cannot exhaust it: what happens when they can is told below. */
const MEMORY_POOL_BYTES = 1_000 * MAX_REQUEST_BYTES

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
