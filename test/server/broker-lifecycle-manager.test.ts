import { expect, test } from 'vitest'
import type { BrokerHeartbeatReply, BrokerHeartbeatRequest } from '../../src/controller/controller-channel.ts'
import { ApiError, ErrorCode } from '../../src/protocol/errors.ts'
import { BrokerLifecycleManager } from '../../src/server/broker-lifecycle-manager.ts'
import { fakeControllerChannel } from '../support/fake-controller-channel.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

test('the broker registers, catches up, is unfenced and then sends a heartbeat every two seconds', async () => {
  const bench = setUp()
  bench.lifecycle.start()
  await bench.runtime.settle()
  expect(bench.lifecycle.state).toBe('STARTING')

  bench.reply.isCaughtUp = true
  await bench.runtime.run(() => bench.lifecycle.awaitInitialCatchUp())
  expect(bench.lifecycle.state).toBe('RECOVERY')
  expect(bench.heartbeats.at(-1)?.wantFence).toBe(true)

  bench.reply.isFenced = false
  await bench.runtime.run(() => bench.lifecycle.awaitUnfenced())
  expect(bench.heartbeats.at(-1)?.wantFence).toBe(false)
  const before = bench.heartbeats.length
  await bench.runtime.advance(20_000)

  expect(bench.lifecycle.state).toBe('RUNNING')
  expect(bench.lifecycle.brokerEpoch).toBe(5)
  expect(bench.heartbeats.length - before).toBe(10)
})

test('a refused registration is tried again as often as a heartbeat is sent', async () => {
  const bench = setUp()
  bench.refuseRegistration = ErrorCode.DUPLICATE_BROKER_REGISTRATION
  bench.lifecycle.start()
  await bench.runtime.advance(9_000)
  const attempts = bench.registrations
  bench.refuseRegistration = undefined
  bench.reply.isCaughtUp = true

  await bench.runtime.run(() => bench.lifecycle.awaitInitialCatchUp())

  expect(attempts).toBe(5)
})

test('heartbeats that fail do not become rarer, so that the session outlives some of them', async () => {
  const bench = await running()
  bench.beforeReply = () => Promise.reject(new ApiError(ErrorCode.REQUEST_TIMED_OUT))
  const before = bench.heartbeats.length

  await bench.runtime.advance(20_000)

  expect(bench.heartbeats.length - before).toBe(10)
})

test('a broker that cannot register in time gives up', async () => {
  const bench = setUp()
  bench.refuseRegistration = ErrorCode.NOT_CONTROLLER
  bench.lifecycle.start()

  await expect(bench.runtime.run(() => bench.lifecycle.awaitInitialCatchUp())).rejects.toThrow('within 60000 ms')
})

test('a cluster id that is not the controller’s is no use waiting for', async () => {
  const bench = setUp()
  bench.refuseRegistration = ErrorCode.INCONSISTENT_CLUSTER_ID
  bench.lifecycle.start()

  await expect(bench.runtime.run(() => bench.lifecycle.awaitInitialCatchUp(), 10)).rejects.toMatchObject({
    code: ErrorCode.INCONSISTENT_CLUSTER_ID,
  })
})

test('a controlled shutdown waits until the controller lets the broker go', async () => {
  const bench = await running()
  const done = bench.lifecycle.controlledShutdown(300_000).then(() => bench.runtime.clock.monotonicMs())
  await bench.runtime.advance(5_000)
  const wanted = bench.heartbeats.at(-1)?.wantShutDown
  bench.reply.shouldShutDown = true

  const doneMs = await bench.runtime.run(() => done)
  await bench.lifecycle.close()

  expect(wanted).toBe(true)
  expect(doneMs).toBeGreaterThan(5_000)
  expect(bench.lifecycle.state).toBe('NOT_RUNNING')
  expect(bench.runtime.pendingTimers).toBe(0)
})

test('a controlled shutdown that is never granted ends after its timeout', async () => {
  const bench = await running()

  await bench.runtime.run(() => bench.lifecycle.controlledShutdown(10_000), 10_001)

  expect(bench.lifecycle.state).toBe('PENDING_CONTROLLED_SHUTDOWN')
})

test('a failed log directory is told at once', async () => {
  const bench = await running()
  const before = bench.heartbeats.length

  bench.lifecycle.propagateDirectoryFailure('dir')
  await bench.runtime.settle()

  expect(bench.heartbeats.length).toBe(before + 1)
  expect(bench.heartbeats.at(-1)?.offlineLogDirs).toEqual(['dir'])
})

test('a failed log directory that the controller cannot be told of in time stops the broker', async () => {
  const bench = await running()
  bench.beforeReply = () => Promise.reject(new ApiError(ErrorCode.REQUEST_TIMED_OUT))

  bench.lifecycle.propagateDirectoryFailure('dir')
  await bench.runtime.advance(29_999)
  expect(bench.unreported).toEqual([])
  await bench.runtime.advance(1)

  expect(bench.unreported).toEqual(['dir'])
})

test('news that come while a heartbeat is under way are told right after it', async () => {
  const bench = await running()
  let answer: () => void = () => {}
  bench.beforeReply = () =>
    new Promise(resolve => {
      answer = resolve
    })
  await bench.runtime.advance(2_000)
  const before = bench.heartbeats.length
  bench.lifecycle.propagateDirectoryFailure('dir')
  bench.beforeReply = undefined

  answer()
  await bench.runtime.settle()

  expect(bench.heartbeats.length).toBe(before + 1)
  expect(bench.heartbeats.at(-1)?.offlineLogDirs).toEqual(['dir'])
})

async function running() {
  const bench = setUp()
  bench.lifecycle.start()
  bench.reply.isCaughtUp = true
  bench.reply.isFenced = false
  await bench.runtime.run(() => bench.lifecycle.awaitUnfenced())
  return bench
}

function setUp() {
  const runtime = createManualRuntime()
  const reply = { isCaughtUp: false, isFenced: true, shouldShutDown: false } satisfies BrokerHeartbeatReply
  const heartbeats: BrokerHeartbeatRequest[] = []
  const bench = {
    runtime,
    reply: reply as { isCaughtUp: boolean; isFenced: boolean; shouldShutDown: boolean },
    heartbeats,
    registrations: 0,
    unreported: [] as string[],
    /** Holds a heartbeat's answer back. */
    beforeReply: undefined as (() => Promise<void>) | undefined,
    refuseRegistration: undefined as ErrorCode | undefined,
    lifecycle: new BrokerLifecycleManager(runtime, {
      brokerId: 1,
      clusterId: 'cluster',
      incarnationId: 'incarnation',
      listeners: [],
      supportedFeatures: new Map(),
      rack: null,
      logDirs: ['dir'],
      previousBrokerEpoch: -1,
      heartbeatIntervalMs: 2_000,
      registrationTimeoutMs: 60_000,
      highestMetadataOffset: () => 3,
      logDirFailureTimeoutMs: 30_000,
      onUnreportedFailure: directoryId => bench.unreported.push(directoryId),
      controller: fakeControllerChannel({
        registerBroker: async () => {
          bench.registrations++
          if (bench.refuseRegistration !== undefined) throw new ApiError(bench.refuseRegistration)
          return { brokerEpoch: 5 }
        },
        brokerHeartbeat: async request => {
          heartbeats.push(request)
          await bench.beforeReply?.()
          return { ...reply }
        },
      }),
    }),
  }
  return bench
}
