import { expect, test } from 'vitest'
import { ApiError, ErrorCode } from '../../src/protocol/errors.ts'
import { ProducerIdManager } from '../../src/server/producer-id-manager.ts'
import { fakeControllerChannel } from '../support/fake-controller-channel.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

test('without a block at hand the caller is to try again, and then gets the first id of the block', async () => {
  const { runtime, manager } = setUp()

  expect(() => manager.generateProducerId()).toThrow(expect.objectContaining({ code: loading }))
  await runtime.settle()

  expect([manager.generateProducerId(), manager.generateProducerId()]).toEqual([1000, 1001])
})

test('the next block is fetched before the present one is used up, so that nobody is refused', async () => {
  const { runtime, manager, blocks } = setUp()
  expect(() => manager.generateProducerId()).toThrow()
  await runtime.settle()

  const ids: number[] = []
  for (let count = 0; count < 25; count++) {
    ids.push(manager.generateProducerId())
    await runtime.settle()
  }

  expect(ids).toEqual([...range(1000, 10), ...range(2000, 10), ...range(3000, 5)])
  expect(blocks.length).toBe(3)
})

test('after a failed request the next one waits a little', async () => {
  const { runtime, manager, blocks, state } = setUp()
  state.fail = true
  expect(() => manager.generateProducerId()).toThrow()
  await runtime.settle()

  expect(() => manager.generateProducerId()).toThrow()
  await runtime.settle()
  const askedEarly = blocks.length
  state.fail = false
  await runtime.advance(50)
  expect(() => manager.generateProducerId()).toThrow()
  await runtime.settle()

  expect(askedEarly).toBe(1)
  expect(manager.generateProducerId()).toBe(2000)
})

const loading = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS

function setUp() {
  const runtime = createManualRuntime()
  const blocks: unknown[] = []
  const state = { fail: false }
  const controller = fakeControllerChannel({
    allocateProducerIds: async request => {
      blocks.push(request)
      if (state.fail) throw new ApiError(ErrorCode.NOT_CONTROLLER)
      return { producerIdStart: blocks.length * 1000, producerIdLen: 10 }
    },
  })
  return { runtime, blocks, state, manager: new ProducerIdManager(runtime, 1, () => 7, controller) }
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index)
}
