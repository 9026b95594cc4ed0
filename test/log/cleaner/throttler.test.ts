import { expect, test } from 'vitest'
import { Throttler } from '../../../src/log/cleaner/throttler.ts'
import { createManualRuntime } from '../../support/manual-runtime.ts'

test('lets who exceeds the rate wait until it is met, looking at it every 300 ms', async () => {
  const runtime = createManualRuntime()
  const throttler = new Throttler(runtime, 100)
  await throttler.maybeThrottle(80) // nobody looks yet
  await runtime.advance(400)
  expect(runtime.waiting).toEqual([])
  let done = false
  const waiting = throttler.maybeThrottle(20).then(() => {
    done = true
  })
  await runtime.advance(599)
  expect(done).toBe(false)
  await runtime.advance(1)
  await waiting
  expect(runtime.clock.monotonicMs()).toBe(1000)
})

test('lets everyone go when it is shut down', async () => {
  const runtime = createManualRuntime()
  const throttler = new Throttler(runtime, 1)
  await runtime.advance(400)
  const waiting = [throttler.maybeThrottle(1000), throttler.maybeThrottle(1000)]
  await runtime.settle()
  throttler.shutdown()
  await Promise.all(waiting)
  await throttler.maybeThrottle(1000)
  expect(runtime.clock.monotonicMs()).toBe(400)
})

test('lets nobody wait below the rate', async () => {
  const runtime = createManualRuntime()
  const throttler = new Throttler(runtime, Number.MAX_VALUE)
  await runtime.advance(400)
  await throttler.maybeThrottle(1_000_000_000)
  expect(runtime.waiting).toEqual([])
})
