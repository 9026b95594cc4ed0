import { expect, test } from 'vitest'
import { KafkaScheduler } from '../../src/log/kafka-scheduler.ts'
import { Condition } from '../../src/runtime/condition.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

test('runs tasks when they are due, in the order of their times', async () => {
  const runtime = createManualRuntime()
  const scheduler = new KafkaScheduler(runtime, 2)
  const ran: string[] = []
  const note = (name: string) => async () => void ran.push(`${name}@${runtime.clock.monotonicMs()}`)
  scheduler.schedule('late', note('late'), 100)
  scheduler.schedule('early', note('early'), 10)
  scheduler.schedule('periodic', note('periodic'), 20, 50)
  await runtime.advance(130)
  expect(ran).toEqual(['early@10', 'periodic@20', 'periodic@70', 'late@100', 'periodic@120'])
})

test('a cancelled task does not run', async () => {
  const runtime = createManualRuntime()
  const scheduler = new KafkaScheduler(runtime, 2)
  let runs = 0
  const task = scheduler.schedule('task', async () => void runs++, 10, 10)
  await runtime.advance(25)
  task.cancel()
  await runtime.advance(100)
  expect(runs).toBe(2)
  expect(runtime.pendingTimers).toBe(0)
})

test('more tasks than threads wait for a thread', async () => {
  const runtime = createManualRuntime()
  const scheduler = new KafkaScheduler(runtime, 1)
  const gate = new Condition(runtime, 'gate')
  const ran: string[] = []
  scheduler.schedule(
    'first',
    async () => {
      await gate.wait()
      ran.push('first')
    },
    0,
  )
  scheduler.schedule('second', async () => void ran.push('second'), 0)
  await runtime.advance(10)
  expect(ran).toEqual([])
  gate.signal()
  await runtime.settle()
  expect(ran).toEqual(['first', 'second'])
})

test('never means never, and costs no timer', async () => {
  const runtime = createManualRuntime()
  const scheduler = new KafkaScheduler(runtime, 1)
  scheduler.schedule('never', async () => {}, 10, Number.POSITIVE_INFINITY)
  scheduler.schedule('never', async () => {}, Number.POSITIVE_INFINITY)
  expect(runtime.pendingTimers).toBe(0)
})

test('a wait of a month is no longer than one timer at a time', async () => {
  const runtime = createManualRuntime()
  const scheduler = new KafkaScheduler(runtime, 1)
  const month = 30 * 86_400_000
  let ranAt = -1
  const note = async () => {
    ranAt = runtime.clock.monotonicMs()
  }
  scheduler.schedule('monthly', note, month)
  await runtime.advance(month)
  expect(ranAt).toBe(month)
})

test('shutdown waits for what runs and lets nothing more begin', async () => {
  const runtime = createManualRuntime()
  const scheduler = new KafkaScheduler(runtime, 1)
  const gate = new Condition(runtime, 'gate')
  let finished = false
  scheduler.schedule(
    'running',
    async () => {
      await gate.wait()
      finished = true
    },
    0,
    5,
  )
  await runtime.advance(1)
  const stopped = scheduler.shutdown().then(() => finished)
  gate.signal()
  expect(await stopped).toBe(true)
  scheduler.schedule('late', async () => {}, 0)
  expect(runtime.pendingTimers).toBe(0)
})
