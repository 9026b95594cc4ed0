import { expect, test } from 'vitest'
import { Condition } from '../../src/runtime/condition.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

function waiters(count: number, timeoutMs?: number) {
  const runtime = createManualRuntime()
  const condition = new Condition(runtime, 'test')
  const woken: string[] = []
  for (let index = 0; index < count; index += 1) {
    runtime.threads.start(`thread-${index}`, async () => {
      const signalled = timeoutMs === undefined ? await condition.wait() : await condition.wait(timeoutMs)
      woken.push(`${index}:${signalled}@${runtime.clock.monotonicMs()}`)
    })
  }
  return { runtime, condition, woken }
}

test('a signal wakes the thread that has waited longest, and only that one', async () => {
  const { runtime, condition, woken } = waiters(3)
  await runtime.settle()

  condition.signal()
  await runtime.settle()

  expect(woken).toEqual(['0:undefined@0'])
  expect(condition.waiting).toBe(2)
})

test('signalAll wakes everybody in the order in which they came', async () => {
  const { runtime, condition, woken } = waiters(3)
  await runtime.settle()

  condition.signalAll()
  await runtime.settle()

  expect(woken).toEqual(['0:undefined@0', '1:undefined@0', '2:undefined@0'])
  expect(condition.waiting).toBe(0)
})

test('a wake-up is never inside the call that gives it', async () => {
  const { runtime, condition, woken } = waiters(1)
  await runtime.settle()

  condition.signal()

  expect(woken).toEqual([])
})

test('a wait whose time runs out says so and is no longer waiting', async () => {
  const { runtime, condition, woken } = waiters(1, 50)

  await runtime.advance(49)
  expect(condition.waiting).toBe(1)
  await runtime.advance(1)

  expect(woken).toEqual(['0:false@50'])
  expect(condition.waiting).toBe(0)
})

test('a signal in time leaves no timer behind', async () => {
  const { runtime, condition, woken } = waiters(1, 50)
  await runtime.advance(20)

  condition.signal()
  await runtime.settle()

  expect(woken).toEqual(['0:true@20'])
  expect(runtime.pendingTimers).toBe(0)
})

test('a signal that nobody waits for is not remembered', async () => {
  const runtime = createManualRuntime()
  const condition = new Condition(runtime, 'test')
  condition.signal()
  let woken = false

  runtime.threads.start('late', async () => {
    await condition.wait()
    woken = true
  })
  await runtime.advance(1000)

  expect(woken).toBe(false)
  expect(runtime.waiting).toEqual(['test'])
})
