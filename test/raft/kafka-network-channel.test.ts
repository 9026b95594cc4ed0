import { describe, expect, test } from 'vitest'
import { World } from '../../harness/world/world.ts'
import { DisconnectedError, TooManyPendingRequestsError } from '../../src/network/network-client-errors.ts'
import { DescribeQuorum } from '../../src/protocol/apis/describe-quorum.ts'
import { KafkaNetworkChannel } from '../../src/raft/kafka-network-channel.ts'
import { NetworkError } from '../../src/runtime/network.ts'
import { ServerUnderTest } from '../support/server-under-test.ts'

const VOTER = { id: 2, host: 'node-2', port: 9093 }

/** A channel to voter 2, whose machine is up and where nobody listens. */
function withChannel(
  body: (channel: KafkaNetworkChannel, world: World, refusedMs: readonly number[]) => Promise<void>,
): Promise<void> {
  const world = new World({ seed: 'channel' })
  world.host('node-2')
  const process = world.host('node-1').process()
  const refusedMs: number[] = []
  world.network.onRefused = () => refusedMs.push(world.nowMs)
  return world.run(async () => {
    const channel = process.run(() => new KafkaNetworkChannel(process, { nodeId: 1, requestTimeoutMs: 2000 }))
    await process.run(() => body(channel, world, refusedMs))
    channel.close()
  })
}

function ask(channel: KafkaNetworkChannel): Promise<unknown> {
  return channel.send(VOTER, DescribeQuorum, { topics: [] }).catch(error => error)
}

describe('KafkaNetworkChannel', () => {
  test('tries a voter that refuses less and less often, twice a second in the end', () =>
    withChannel(async (channel, world, refusedMs) => {
      const endMs = world.nowMs + 5000
      while (world.nowMs < endMs) {
        await ask(channel)
        await world.sleep(20)
      }

      const pauses = refusedMs.slice(1).map((ms, index) => ms - (refusedMs[index] ?? 0))
      const atLeast = [40, 80, 160, 320, 400]
      for (const [index, pauseMs] of pauses.entries()) {
        expect(pauseMs).toBeGreaterThanOrEqual(atLeast[Math.min(index, 4)] ?? 0)
        expect(pauseMs).toBeLessThan(550)
      }
      expect(refusedMs.length).toBeGreaterThan(10)
    }))

  test('fails a request that comes too early when the next may be sent', () =>
    withChannel(async (channel, world, refusedMs) => {
      expect(await ask(channel)).toBeInstanceOf(NetworkError)
      const startMs = world.nowMs
      expect(await ask(channel)).toBeInstanceOf(DisconnectedError)
      expect(world.nowMs - startMs).toBeGreaterThanOrEqual(40)
      expect(refusedMs).toHaveLength(1)
      await ask(channel)
      expect(refusedMs).toHaveLength(2)
    }))

  test('lets few requests wait for that, and none once it is closed', () =>
    withChannel(async (channel, world) => {
      await ask(channel)
      const startMs = world.nowMs
      const waiting = Array.from({ length: 20 }, () => ask(channel))
      expect(await ask(channel)).toBeInstanceOf(TooManyPendingRequestsError)

      channel.close()

      for (const error of await Promise.all(waiting)) expect(error).toBeInstanceOf(DisconnectedError)
      expect(await ask(channel)).toBeInstanceOf(DisconnectedError)
      expect(world.nowMs).toBe(startMs)
    }))

  test('connects again at once when its connection was closed while nothing was under way', async () => {
    const server = await ServerUnderTest.started({ connectionsMaxIdleMs: 5000 })
    const { runtime } = server
    server.handle = async request => {
      const { requestChannel } = server.server
      requestChannel.sendResponse(request, DescribeQuorum, { errorCode: 0, errorMessage: null, topics: [], nodes: [] })
    }
    const channel = new KafkaNetworkChannel(runtime, { nodeId: 1, requestTimeoutMs: 2000 })
    const voter = { id: 2, host: '127.0.0.1', port: server.server.boundPort('PLAINTEXT') }
    const asked = () => runtime.run(() => channel.send(voter, DescribeQuorum, { topics: [] }))
    await asked()
    expect(server.server.connectionCount).toBe(1)
    for (let second = 0; second < 12; second++) await runtime.advance(1000)
    expect(server.server.connectionCount).toBe(0)

    const startMs = runtime.clock.monotonicMs()
    expect(await asked()).toMatchObject({ errorCode: 0 })

    expect(runtime.clock.monotonicMs() - startMs).toBeLessThan(40)
    channel.close()
    await server.stop()
  })
})
