import { expect, test } from 'vitest'
import { TimerTask, type TimerTaskEntry } from '../../src/runtime/timer-task.ts'
import { TimingWheel } from '../../src/runtime/timing-wheel.ts'

class Idle extends TimerTask {
  override run(): void {}
}

function entryAt(expirationMs: number): TimerTaskEntry {
  return { task: new Idle(0), expirationMs, bucket: undefined }
}

function dueAt(wheel: TimingWheel, timeMs: number): number[] {
  const due: number[] = []
  wheel.advanceTo(timeMs, entry => due.push(entry.expirationMs))
  return due
}

test('an entry that is due already is not taken in', () => {
  const wheel = new TimingWheel(1, 3, 100)

  expect([wheel.add(entryAt(99)), wheel.add(entryAt(100)), wheel.add(entryAt(101))]).toEqual([false, false, true])
})

test('the wheel asks to be woken for its earliest entry, of whatever level', () => {
  const wheel = new TimingWheel(1, 3, 0)
  const early = entryAt(5)
  for (const entry of [entryAt(1000), early, entryAt(40)]) wheel.add(entry)

  expect(wheel.nextWakeMs).toBe(5)
  wheel.remove(early)
  expect(wheel.nextWakeMs).toBe(40)
})

test('an empty wheel asks for nothing', () => {
  const wheel = new TimingWheel(1, 3, 0)
  const entry = entryAt(7)
  wheel.add(entry)

  wheel.remove(entry)

  expect(wheel.nextWakeMs).toBe(Number.POSITIVE_INFINITY)
})

test('entries come out in order of time when the clock leaps over many buckets', () => {
  const wheel = new TimingWheel(1, 3, 0)
  const times = [26, 3, 1, 9, 8, 2, 27, 100]
  for (const time of times) wheel.add(entryAt(time))

  expect(dueAt(wheel, 26)).toEqual([1, 2, 3, 8, 9, 26])
  expect(dueAt(wheel, 1000)).toEqual([27, 100])
})

test('the farthest time a clock can show fits', () => {
  const wheel = new TimingWheel(1, 20, 1_700_000_000_000)

  expect(wheel.add(entryAt(Number.MAX_SAFE_INTEGER))).toBe(true)

  expect(wheel.nextWakeMs).toBe(Number.MAX_SAFE_INTEGER)
  expect(dueAt(wheel, Number.MAX_SAFE_INTEGER)).toEqual([Number.MAX_SAFE_INTEGER])
})

test.each([
  [0, 20],
  [1, 1],
  [0.5, 20],
])('a tick of %d ms and %d buckets are refused', (tickMs, wheelSize) => {
  expect(() => new TimingWheel(tickMs, wheelSize, 0)).toThrow(RangeError)
})
