import { expect, test } from 'vitest'
import { BrokerHeartbeat } from '../../src/protocol/apis/broker-heartbeat.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import {
  type ControllerNode,
  NodeToControllerChannelManager,
} from '../../src/server/node-to-controller-channel-manager.ts'
import { FakeController } from '../support/fake-controller.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

const heartbeat = { brokerId: 1, brokerEpoch: 5, currentMetadataOffset: 7, wantFence: false, wantShutDown: false }

function setUp({ retryTimeoutMs = 60_000, requestTimeoutMs = 30_000 } = {}) {
  const runtime = createManualRuntime()
  const state: { active: ControllerNode | undefined; asked: number } = { active: undefined, asked: 0 }
  const channel = new NodeToControllerChannelManager(runtime, {
    channelName: 'heartbeat',
    nodeId: 1,
    controllerNode: () => {
      state.asked++
      return state.active
    },
    retryTimeoutMs,
    requestTimeoutMs,
    connectionSetupTimeoutMs: 10_000,
  })
  channel.start()
  return Object.assign(state, {
    runtime,
    channel,
    send: () => channel.sendRequest(BrokerHeartbeat, 1, heartbeat),
    controller: (id: number) => FakeController.started(runtime, id),
    stop: async (...controllers: FakeController[]) => {
      await runtime.run(() => channel.shutdown())
      for (const controller of controllers) await runtime.run(() => controller.stop())
    },
  })
}

test('requests go to the controller one after the other over one connection', async () => {
  const bench = setUp()
  const controller = await bench.controller(3)
  bench.active = controller.node

  const answers = await bench.runtime.run(() => Promise.all([bench.send(), bench.send(), bench.send()]))

  expect(answers.map(({ isCaughtUp }) => isCaughtUp)).toEqual([true, true, true])
  expect(controller.requests.map(({ header }) => header.clientId)).toEqual(['1', '1', '1'])
  expect(controller.server.connectionCount).toBe(1)
  await bench.stop(controller)
  expect(bench.runtime.pendingTimers).toBe(0)
  expect(bench.runtime.waiting).toEqual([])
})

test('a request waits until there is a controller, and nothing is asked after while there is no request', async () => {
  const bench = setUp()
  await bench.runtime.advance(10_000)
  expect([bench.asked, bench.runtime.firedTimers]).toEqual([0, 0])
  const answer = bench.send()
  await bench.runtime.advance(450)
  const controller = await bench.controller(3)
  bench.active = controller.node

  expect(await bench.runtime.run(() => answer)).toMatchObject({ isCaughtUp: true })
  expect(bench.asked).toBe(6)
  await bench.stop(controller)
})

test('a controller that is none any more is left for the next one', async () => {
  const bench = setUp()
  const old = await bench.controller(3)
  const next = await bench.controller(4)
  bench.active = old.node
  old.onRequest = request => {
    bench.active = next.node
    old.answerHeartbeat(request, ErrorCode.NOT_CONTROLLER)
  }

  const answer = await bench.runtime.run(() => bench.send())

  expect(answer.errorCode).toBe(0)
  expect([old.requests.length, next.requests.length]).toEqual([1, 1])
  await bench.runtime.settle()
  expect(old.server.connectionCount).toBe(0)
  await bench.stop(old, next)
})

test('while nobody knows a better one, a controller that is none is asked again every 50 ms', async () => {
  const bench = setUp()
  const controller = await bench.controller(3)
  bench.active = controller.node
  const atMs: number[] = []
  controller.onRequest = request => {
    atMs.push(bench.runtime.clock.monotonicMs())
    controller.answerHeartbeat(request, atMs.length < 4 ? ErrorCode.NOT_CONTROLLER : ErrorCode.NONE)
  }

  await bench.runtime.run(() => bench.send())

  expect(atMs).toEqual([0, 50, 100, 150])
  await bench.stop(controller)
})

test('a request whose connection broke is sent again', async () => {
  const bench = setUp()
  const controller = await bench.controller(3)
  bench.active = controller.node
  controller.onRequest = request => {
    if (controller.requests.length === 1) controller.server.requestChannel.closeConnection(request)
    else controller.answerHeartbeat(request)
  }

  const answer = await bench.runtime.run(() => bench.send())

  expect(answer.errorCode).toBe(0)
  expect(controller.requests.length).toBe(2)
  await bench.stop(controller)
})

test('a request without an answer is given up and sent again, to whoever is the controller then', async () => {
  const bench = setUp({ requestTimeoutMs: 4_000 })
  const silent = await bench.controller(3)
  const next = await bench.controller(4)
  bench.active = silent.node
  silent.onRequest = () => {
    bench.active = next.node
  }

  await bench.runtime.run(() => bench.send())

  expect(bench.runtime.clock.monotonicMs()).toBe(4_000)
  expect(next.requests.length).toBe(1)
  await bench.stop(silent, next)
})

test('a request ends with a timeout when its time is over', async () => {
  const bench = setUp({ retryTimeoutMs: 4_500 })

  await expect(bench.runtime.run(() => bench.send())).rejects.toMatchObject({ code: ErrorCode.REQUEST_TIMED_OUT })

  expect(bench.runtime.clock.monotonicMs()).toBe(4_500)
  await bench.stop()
})

test('a controller that refuses connections is tried until it takes them', async () => {
  const bench = setUp()
  bench.active = { id: 3, host: '127.0.0.1', port: 9093 }
  const answer = bench.send()
  await bench.runtime.advance(1_000)
  const controller = await FakeController.started(bench.runtime, 3, 9093)

  expect(await bench.runtime.run(() => answer)).toMatchObject({ errorCode: 0 })
  await bench.stop(controller)
})

test('an error of the controller other than not being one is the answer', async () => {
  const bench = setUp()
  const controller = await bench.controller(3)
  bench.active = controller.node
  controller.onRequest = request => controller.answerHeartbeat(request, ErrorCode.STALE_BROKER_EPOCH)

  const answer = await bench.runtime.run(() => bench.send())

  expect(answer.errorCode).toBe(ErrorCode.STALE_BROKER_EPOCH)
  await bench.stop(controller)
})

test('what waits at shutdown ends', async () => {
  const bench = setUp()
  const silent = await bench.controller(3)
  bench.active = silent.node
  silent.onRequest = () => undefined
  const answers = Promise.allSettled([bench.send(), bench.send()])
  await bench.runtime.settle()

  await bench.stop(silent)

  expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await expect(bench.send()).rejects.toMatchObject({ code: ErrorCode.REQUEST_TIMED_OUT })
  expect(bench.runtime.waiting).toEqual([])
})

test('more requests than may wait are refused', async () => {
  const bench = setUp()
  const waiting = Array.from({ length: 1000 }, () => bench.send().catch(() => undefined))

  await expect(bench.send()).rejects.toMatchObject({ code: ErrorCode.REQUEST_TIMED_OUT })

  expect(bench.channel.queueSize).toBe(1000)
  await bench.stop()
  await Promise.all(waiting)
})
