import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SystemTimer } from '../../src/runtime/system-timer.ts'
import { TimerTask } from '../../src/runtime/timer-task.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

class Task extends TimerTask {
  readonly #body: () => void

  constructor(delayMs: number, body: () => void) {
    super(delayMs)
    this.#body = body
  }

  override run(): void {
    this.#body()
  }
}

function timerAndLog() {
  const runtime = createManualRuntime()
  const timer = new SystemTimer(runtime)
  const ran: number[] = []
  const add = (delayMs: number) => {
    const task = new Task(delayMs, () => ran.push(runtime.clock.monotonicMs()))
    timer.add(task)
    return task
  }
  return { runtime, timer, ran, add }
}

test('tasks of every wheel level run at their time and in its order', async () => {
  const { runtime, timer, ran, add } = timerAndLog()
  const delays = [500, 1, 19, 20, 21, 399, 400, 8000, 8001, 160_000, 3_600_000, 20]
  delays.forEach(add)

  await runtime.advance(3_600_000)

  expect(ran).toEqual([...delays].sort((a, b) => a - b))
  expect(timer.size).toBe(0)
})

test('a task costs one wake-up however long it waits, and an idle timer none', async () => {
  const { runtime, ran, add } = timerAndLog()

  await runtime.advance(86_400_000)
  add(3_600_000)
  add(500)
  await runtime.advance(86_400_000)

  expect(ran).toEqual([86_400_000 + 500, 86_400_000 + 3_600_000])
  expect(runtime.firedTimers).toBe(2)
  expect(runtime.pendingTimers).toBe(0)
})

test('a cancelled task does not run and is not counted', async () => {
  const { runtime, timer, ran, add } = timerAndLog()
  const task = add(50)
  add(60)

  task.cancel()
  task.cancel()

  expect(timer.size).toBe(1)
  await runtime.advance(100)
  expect(ran).toEqual([60])
})

test('a task that is due at once runs soon, but not inside add', async () => {
  const { runtime, ran, add } = timerAndLog()

  add(0)
  add(-5)
  expect(ran).toEqual([])
  await runtime.advance(0)

  expect(ran).toEqual([0, 0])
})

test('a task never runs before its time when the clock stands between two milliseconds', async () => {
  const { runtime, ran, add } = timerAndLog()
  await runtime.advance(0.7)

  add(5)
  await runtime.advance(100)

  expect(ran).toEqual([6])
})

test('a task that throws does not take the others along', async () => {
  const { runtime, timer, ran, add } = timerAndLog()
  timer.add(
    new Task(10, () => {
      throw new Error('broken task')
    }),
  )
  add(10)
  add(20)

  await expect(runtime.advance(100)).rejects.toThrow('broken task')
  await runtime.advance(100)

  expect(ran).toEqual([10, 20])
  expect(timer.size).toBe(0)
})

test('a task that adds itself again for now does not keep the timer from anything else', async () => {
  const { runtime, timer, ran, add } = timerAndLog()
  let rounds = 0
  const again = () => {
    rounds += 1
    if (rounds < 100) timer.add(new Task(0, again))
  }
  timer.add(new Task(1, again))
  add(1)

  await runtime.advance(1)

  expect(rounds).toBe(100)
  expect(ran).toEqual([1])
  expect(runtime.firedTimers).toBe(100) // one turn of the host for each round
})

test('a closed timer runs nothing any more and leaves no timer with the host', async () => {
  const { runtime, timer, ran, add } = timerAndLog()
  add(10)

  timer.close()
  add(20)
  await runtime.advance(100)

  expect(ran).toEqual([])
  expect(runtime.pendingTimers).toBe(0)
})

test('any mix of adding, cancelling and waiting runs exactly the tasks that are left, each at its millisecond', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), delayMs: fc.integer({ min: 0, max: 20_000 }) }),
    fc.record({ kind: fc.constant('cancel' as const), which: fc.nat() }),
    fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 3_000 }) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
      const runtime = createManualRuntime()
      const timer = new SystemTimer(runtime)
      const tasks: { task: Task; dueMs: number; ranMs: number; cancelled: boolean }[] = []
      for (const action of steps) {
        const nowMs = runtime.clock.monotonicMs()
        if (action.kind === 'advance') {
          await runtime.advance(action.ms)
        } else if (action.kind === 'add') {
          const entry = {
            task: new Task(action.delayMs, () => (entry.ranMs = runtime.clock.monotonicMs())),
          } as (typeof tasks)[0]
          Object.assign(entry, { dueMs: nowMs + action.delayMs, ranMs: -1, cancelled: false })
          tasks.push(entry)
          timer.add(entry.task)
        } else {
          const entry = tasks[action.which % Math.max(1, tasks.length)]
          if (entry !== undefined && entry.ranMs < 0) {
            entry.task.cancel()
            entry.cancelled = true
          }
        }
        expect(timer.size).toBe(tasks.filter(entry => !entry.cancelled && entry.ranMs < 0).length)
      }
      await runtime.advance(20_000)
      expect(tasks.map(entry => entry.ranMs)).toEqual(tasks.map(entry => (entry.cancelled ? -1 : entry.dueMs)))
    }),
    { numRuns: 200, seed: 7 },
  )
})
