import { expect, test } from 'vitest'
import { BoundedQueue } from '../../src/runtime/bounded-queue.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

test('what goes in first comes out first', async () => {
  const queue = new BoundedQueue<number>(createManualRuntime(), 'requests', 3)
  for (const item of [1, 2, 3]) queue.offer(item)

  expect([queue.poll(), await queue.take(), queue.poll(), queue.poll()]).toEqual([1, 2, 3, undefined])
})

test('an offer to a full queue is refused and changes nothing', () => {
  const queue = new BoundedQueue<string>(createManualRuntime(), 'requests', 1)

  expect([queue.offer('a'), queue.offer('b')]).toEqual([true, false])
  expect(queue.size).toBe(1)
  expect(queue.full).toBe(true)
})

test('a put into a full queue waits until there is room, and says that it waited', async () => {
  const runtime = createManualRuntime()
  const queue = new BoundedQueue<string>(runtime, 'requests', 1)
  const first = await queue.put('a')
  let second: boolean | undefined
  runtime.threads.start('producer', async () => {
    second = await queue.put('b')
  })

  await runtime.advance(60_000)
  expect(runtime.waiting).toEqual(['requests full'])
  queue.poll()
  await runtime.settle()

  expect([first, second]).toEqual([false, true])
  expect(queue.poll()).toBe('b')
})

test('a queue never holds more than its capacity, whoever puts', async () => {
  const runtime = createManualRuntime()
  const queue = new BoundedQueue<number>(runtime, 'requests', 2)
  let largest = 0
  for (let producer = 0; producer < 5; producer += 1) {
    runtime.threads.start(`producer-${producer}`, async () => {
      for (let item = 0; item < 10; item += 1) {
        await queue.put(item)
        largest = Math.max(largest, queue.size)
      }
    })
  }

  let taken = 0
  runtime.threads.start('consumer', async () => {
    while ((await queue.take(10)) !== undefined) taken += 1
  })
  await runtime.advance(100)

  expect(taken).toBe(50)
  expect(largest).toBe(2)
})

test('a take from an empty queue gives up when its time runs out', async () => {
  const runtime = createManualRuntime()
  const queue = new BoundedQueue<string>(runtime, 'requests', 1)

  const taken = await runtime.run(() => queue.take(300))

  expect(taken).toBeUndefined()
  expect(runtime.clock.monotonicMs()).toBe(300)
})

test('a take that is woken for an item which another thread gets first still gives up in time', async () => {
  const runtime = createManualRuntime()
  const queue = new BoundedQueue<string>(runtime, 'requests', 1)
  let gaveUpMs = -1
  runtime.threads.start('slow', async () => {
    await queue.take(300)
    gaveUpMs = runtime.clock.monotonicMs()
  })
  await runtime.advance(200)

  queue.offer('stolen')
  queue.poll()
  await runtime.advance(1000)

  expect(gaveUpMs).toBe(300)
})

test.each([0, -1, 1.5, Number.NaN])('a capacity of %d is refused', capacity => {
  expect(() => new BoundedQueue(createManualRuntime(), 'requests', capacity)).toThrow(RangeError)
})
