import { expect, test } from 'vitest'
import { SimpleMemoryPool } from '../../src/network/memory-pool.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { encodeRequest } from '../../src/protocol/codec.ts'
import { ServerUnderTest } from '../support/server-under-test.ts'

test('any allocation is granted while a byte is left, none when none is', () => {
  const pool = new SimpleMemoryPool(100, 1000)

  expect(pool.tryAllocate(99)).toBe(true)
  expect(pool.tryAllocate(500)).toBe(true)
  expect(pool.tryAllocate(1)).toBe(false)
  expect(pool.isOutOfMemory).toBe(true)
})

test('listeners hear of the recovery once, when the last missing byte is released', () => {
  const pool = new SimpleMemoryPool(100, 1000)
  let recovered = 0
  pool.onRecovered(() => recovered++)
  pool.tryAllocate(90)
  pool.tryAllocate(90)

  pool.release(50)
  const early = recovered
  pool.release(90)
  pool.release(40)

  expect(early).toBe(0)
  expect(recovered).toBe(1)
  expect(pool.availableMemory).toBe(100)
})

test('releasing what was not allocated is an error', () => {
  expect(() => new SimpleMemoryPool(10, 10).release(1)).toThrow('not allocated')
})

test('requests wait unread while request memory is used up, and are served when it is released', async () => {
  const bench = await ServerUnderTest.started({ queuedMaxRequestBytes: 200, numIoThreads: 8 })
  const clients = [await bench.connect(), await bench.connect(), await bench.connect()]
  bench.closeGate()

  for (const [id, client] of clients.entries()) client.sendFrame(produceFrame(id))
  await bench.runtime.settle()
  const handledEarly = bench.handled.length
  const used = bench.metrics.value('kafka.network:type=SocketServer,name=MemoryPoolUsed')
  bench.openGate()
  await bench.runtime.settle()

  expect(handledEarly).toBe(1)
  expect(used).toBeGreaterThanOrEqual(200)
  expect([...bench.handled].sort()).toEqual([0, 1, 2])
  expect(bench.metrics.value('kafka.network:type=SocketServer,name=MemoryPoolUsed')).toBe(0)
  await bench.stop()
})

test('a connection that breaks in the middle of a request gives its memory back', async () => {
  const bench = await ServerUnderTest.started({ queuedMaxRequestBytes: 200 })
  const client = await bench.connect()
  const size = Buffer.alloc(4)
  size.writeInt32BE(1000)
  client.sendBytes(Buffer.concat([size, Buffer.alloc(10)]))
  await bench.runtime.settle()
  const usedBefore = bench.server.memoryPool.size - bench.server.memoryPool.availableMemory

  client.connection.reset()
  await bench.runtime.settle()

  expect(usedBefore).toBe(1000)
  expect(bench.server.memoryPool.availableMemory).toBe(200)
  await bench.stop()
})

function produceFrame(correlationId: number): Buffer {
  const header = { correlationId, clientId: 'x' }
  const partitionData = [{ index: 0, records: Buffer.alloc(300) }]
  return encodeRequest(Produce, 7, header, { acks: 1, timeoutMs: 1, topicData: [{ name: 't', partitionData }] })
}
