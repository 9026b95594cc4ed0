import { expect, test } from 'vitest'
import { DelayedOperation } from '../../src/runtime/delayed-operation.ts'
import { DelayedOperationPurgatory } from '../../src/runtime/delayed-operation-purgatory.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

class TestOperation extends DelayedOperation {
  completable = false
  attempts = 0
  readonly events: string[] = []
  onCompleted: () => void = () => {}

  override tryComplete(): boolean {
    this.attempts += 1
    return this.completable && this.forceComplete()
  }

  override onComplete(): void {
    this.events.push('complete')
    this.onCompleted()
  }

  override onExpiration(): void {
    this.events.push('expire')
  }
}

function purgatoryWith(options: { purgeInterval?: number } = {}) {
  const runtime = createManualRuntime()
  return { runtime, purgatory: new DelayedOperationPurgatory<TestOperation>(runtime, 'Test', options) }
}

test('an operation that can complete at once is neither watched nor timed', () => {
  const { runtime, purgatory } = purgatoryWith()
  const operation = new TestOperation(1000)
  operation.completable = true

  expect(purgatory.tryCompleteElseWatch(operation, ['a'])).toBe(true)

  expect(operation.events).toEqual(['complete'])
  expect([purgatory.watched, purgatory.delayed, runtime.pendingTimers]).toEqual([0, 0, 0])
})

test('an operation that waits is tried once more after it is watched, so that no event is missed', () => {
  const { purgatory } = purgatoryWith()
  const operation = new TestOperation(1000)

  expect(purgatory.tryCompleteElseWatch(operation, ['a', 'b'])).toBe(false)

  expect(operation.attempts).toBe(2)
  expect([purgatory.watched, purgatory.delayed]).toEqual([2, 1])
})

test('an event under one of its keys completes an operation that can complete, and leaves the others', () => {
  const { purgatory } = purgatoryWith()
  const [ready, notReady, elsewhere] = [new TestOperation(1000), new TestOperation(1000), new TestOperation(1000)]
  purgatory.tryCompleteElseWatch(ready, ['a'])
  purgatory.tryCompleteElseWatch(notReady, ['a'])
  purgatory.tryCompleteElseWatch(elsewhere, ['b'])
  ready.completable = true
  elsewhere.completable = true

  expect(purgatory.checkAndComplete('a')).toBe(1)

  expect([ready.events, notReady.events, elsewhere.events]).toEqual([['complete'], [], []])
  expect(purgatory.delayed).toBe(2)
  expect(purgatory.checkAndComplete('nobody waits here')).toBe(0)
})

test('an operation whose time runs out completes, then expires, once', async () => {
  const { runtime, purgatory } = purgatoryWith()
  const operation = new TestOperation(500)
  purgatory.tryCompleteElseWatch(operation, ['a'])

  await runtime.advance(499)
  expect(operation.isCompleted).toBe(false)
  await runtime.advance(1)

  expect(operation.events).toEqual(['complete', 'expire'])
  expect(operation.forceComplete()).toBe(false)
  expect(purgatory.checkAndComplete('a')).toBe(0)
  expect(operation.events).toEqual(['complete', 'expire'])
})

test('an operation that completes in time does not expire', async () => {
  const { runtime, purgatory } = purgatoryWith()
  const operation = new TestOperation(500)
  purgatory.tryCompleteElseWatch(operation, ['a'])
  operation.completable = true
  purgatory.checkAndComplete('a')

  await runtime.advance(1000)

  expect(operation.events).toEqual(['complete'])
  expect(purgatory.delayed).toBe(0)
})

test('an operation completed under one key goes from the list of another when that is checked', () => {
  const { purgatory } = purgatoryWith()
  const operation = new TestOperation(500)
  purgatory.tryCompleteElseWatch(operation, ['a', 'b'])
  operation.completable = true

  purgatory.checkAndComplete('a')
  expect(purgatory.watched).toBe(1)
  expect(purgatory.checkAndComplete('b')).toBe(0)

  expect(purgatory.watched).toBe(0)
})

test('completed operations on lists that nobody checks are swept once there are more than the purge interval', () => {
  const { purgatory } = purgatoryWith({ purgeInterval: 10 })
  const addCompleted = () => {
    const operation = new TestOperation(500)
    purgatory.tryCompleteElseWatch(operation, ['busy', 'quiet'])
    operation.completable = true
    purgatory.checkAndComplete('busy')
  }

  for (let count = 0; count < 10; count += 1) addCompleted()
  expect(purgatory.watched).toBe(10)
  for (let count = 0; count < 1000; count += 1) addCompleted()

  expect(purgatory.watched).toBeLessThanOrEqual(12)
})

test('an operation whose completion brings in the next one under the same key ends the check', () => {
  const { purgatory } = purgatoryWith()
  let chained = 0
  const next = () => {
    const operation = new TestOperation(500)
    operation.onCompleted = next
    purgatory.tryCompleteElseWatch(operation, ['a'])
    operation.completable = true
    chained += 1
  }
  next()

  expect(purgatory.checkAndComplete('a')).toBe(1)

  expect(chained).toBe(2)
  expect(purgatory.delayed).toBe(1)
})

test('an operation cancelled with its key neither completes nor expires', async () => {
  const { runtime, purgatory } = purgatoryWith()
  const operation = new TestOperation(500)
  purgatory.tryCompleteElseWatch(operation, ['a'])

  expect(purgatory.cancelForKey('a')).toEqual([operation])
  await runtime.advance(1000)

  expect(operation.events).toEqual([])
  expect([purgatory.watched, purgatory.delayed]).toEqual([0, 0])
})

test('a purgatory that is shut down expires nothing and leaves no timer', async () => {
  const { runtime, purgatory } = purgatoryWith()
  const operation = new TestOperation(500)
  purgatory.tryCompleteElseWatch(operation, ['a'])

  purgatory.shutdown()
  await runtime.advance(1000)

  expect(operation.events).toEqual([])
  expect(runtime.pendingTimers).toBe(0)
})

test('an operation without a key is refused', () => {
  const { purgatory } = purgatoryWith()

  expect(() => purgatory.tryCompleteElseWatch(new TestOperation(1), [])).toThrow(RangeError)
})
