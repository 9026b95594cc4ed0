import { expect, test } from 'vitest'
import { Mutex } from '../../src/runtime/mutex.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

test('bodies run one at a time, in the order in which they asked', async () => {
  const runtime = createManualRuntime()
  const mutex = new Mutex(runtime, 'log')
  const steps: string[] = []
  const sleep = (ms: number) => new Promise<void>(resolve => runtime.timers.after(ms, resolve))

  await runtime.run(() =>
    Promise.all(
      ['a', 'b', 'c'].map((name, index) =>
        mutex.runExclusive(async () => {
          steps.push(`${name} in`)
          await sleep(30 - index * 10)
          steps.push(`${name} out`)
        }),
      ),
    ),
  )

  expect(steps).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
  expect(mutex.locked).toBe(false)
})

test('nobody gets in between the release and the thread to which the lock was handed', async () => {
  const manual = createManualRuntime()
  const park = (reason: string) => {
    const parker = manual.threads.park(reason)
    return { parked: parker.parked, unpark: () => void manual.timers.after(10, () => parker.unpark()) }
  }
  const runtime: Runtime = { ...manual, threads: { start: manual.threads.start, spend: manual.threads.spend, park } }
  const mutex = new Mutex(runtime, 'log')
  const order: string[] = []
  const first = mutex.runExclusive(async () => order.push('first'))
  const second = mutex.runExclusive(() => order.push('second'))
  await first

  const third = mutex.runExclusive(() => order.push('third'))
  await manual.run(() => Promise.all([second, third]))

  expect(order).toEqual(['first', 'second', 'third'])
})

test('a body that fails lets go of the lock and its error comes through', async () => {
  const runtime = createManualRuntime()
  const mutex = new Mutex(runtime, 'log')

  const failing = mutex.runExclusive(() => {
    throw new Error('disk is gone')
  })

  await expect(failing).rejects.toThrow('disk is gone')
  await expect(mutex.runExclusive(() => 'next')).resolves.toBe('next')
})

test('what a body gives is what the caller gets', async () => {
  const mutex = new Mutex(createManualRuntime(), 'log')

  expect(await mutex.runExclusive(async () => 42)).toBe(42)
})
