import { expect, test } from 'vitest'
import { END_OF_STREAM } from '../../src/runtime/network.ts'
import { createManualRuntime } from './manual-runtime.ts'

test('timers run in order of their due time, then of their age, at their own moment', async () => {
  const runtime = createManualRuntime()
  const ran: string[] = []
  const note = (name: string) => () => ran.push(`${name}@${runtime.clock.monotonicMs()}`)
  runtime.timers.after(20, note('c'))
  runtime.timers.after(10, note('a'))
  runtime.timers.after(10, note('b'))
  runtime.timers.after(15, note('cancelled')).cancel()
  runtime.timers.after(31, note('later'))

  await runtime.advance(30)

  expect(ran).toEqual(['a@10', 'b@10', 'c@20'])
  expect(runtime.clock.monotonicMs()).toBe(30)
  expect(runtime.pendingTimers).toBe(1)
})

test('a timer set by a woken thread falls due within the same advance', async () => {
  const runtime = createManualRuntime()
  let finishedMs = -1
  const sleep = (ms: number) => new Promise<void>(resolve => runtime.timers.after(ms, resolve))
  runtime.threads.start('sleeper', async () => {
    await sleep(5)
    await sleep(5)
    finishedMs = runtime.clock.monotonicMs()
  })

  await runtime.advance(100)

  expect(finishedMs).toBe(10)
})

test('an error that leaves a thread is thrown by the next settle', async () => {
  const runtime = createManualRuntime()
  runtime.threads.start('broken', async () => {
    throw new Error('crashed')
  })

  await expect(runtime.settle()).rejects.toThrow('crashed')
})

test('a body that waits for nothing that can happen is a deadlock, and the report says what it waits for', async () => {
  const runtime = createManualRuntime()

  const stuck = runtime.run(() => runtime.threads.park('RequestChannel.receive').parked)

  await expect(stuck).rejects.toThrow('RequestChannel.receive')
})

test('siblings share time and network, not disks', async () => {
  const server = createManualRuntime({ name: 'server' })
  const client = server.sibling({ name: 'client', address: '10.0.0.2' })
  const listener = await server.network.listen({ host: 'server', port: 9092, backlog: 1 })

  const connection = await client.network.connect({ host: 'server', port: 9092 })
  connection.write(Buffer.from('hello'))
  connection.close()

  const accepted = listener.accept()
  expect(accepted?.remote.host).toBe('10.0.0.2')
  expect(accepted?.read(100)?.toString()).toBe('hello')
  expect(accepted?.read(100)).toBe(END_OF_STREAM)
  expect(client.disk).not.toBe(server.disk)
})

test('a disk fault fails the operations it is asked to fail', async () => {
  const { disk } = createManualRuntime()
  const file = await disk.open('log', { create: true })
  disk.fault = operation => (operation === 'append' ? 'ENOSPC' : undefined)

  await expect(file.append(Buffer.from('x'))).rejects.toMatchObject({ code: 'ENOSPC', path: 'log' })
  expect(file.size).toBe(0)
})
