import { expect, test } from 'vitest'
import { UNLIMITED_MEMORY } from '../../src/network/memory-pool.ts'
import { InvalidReceiveError, NetworkReceive } from '../../src/network/network-receive.ts'
import { type Connection, END_OF_STREAM } from '../../src/runtime/network.ts'

const BUDGET = 1024 * 1024

test('a frame is put together from single bytes', () => {
  const receive = new NetworkReceive('a', 100, UNLIMITED_MEMORY)
  const connection = connectionWith([...frame('hello')].map(byte => Buffer.from([byte])))

  while (!receive.complete) receive.readFrom(connection, BUDGET)

  expect(receive.payload.toString()).toBe('hello')
})

test('the bytes of the next frame stay with the connection', () => {
  const connection = connectionWith([Buffer.concat([frame('one'), frame('two')])])
  const first = new NetworkReceive('a', 100, UNLIMITED_MEMORY)
  const second = new NetworkReceive('a', 100, UNLIMITED_MEMORY)

  first.readFrom(connection, BUDGET)
  second.readFrom(connection, BUDGET)

  expect([first.payload.toString(), second.payload.toString()]).toEqual(['one', 'two'])
})

test('a large announced size takes memory only as bytes arrive', () => {
  const header = Buffer.alloc(4)
  header.writeInt32BE(100 * 1024 * 1024)
  const before = process.memoryUsage().arrayBuffers
  const receives = Array.from({ length: 100 }, () => new NetworkReceive('a', 100 * 1024 * 1024, UNLIMITED_MEMORY))

  for (const receive of receives) receive.readFrom(connectionWith([header, Buffer.alloc(10)]), BUDGET)

  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * 1024 * 1024)
  expect(receives.every(receive => !receive.complete)).toBe(true)
})

test('a read stops at its budget and goes on in the next', () => {
  const receive = new NetworkReceive('a', 5000, UNLIMITED_MEMORY)
  const connection = connectionWith([frame('x'.repeat(3000))])

  const first = receive.readFrom(connection, 1000)
  while (!receive.complete) receive.readFrom(connection, 1000)

  expect(first).toBe(1000)
  expect(receive.payload.length).toBe(3000)
})

test('the receiver owns the bytes of a frame', () => {
  const sent = frame('mine')
  const receive = new NetworkReceive('a', 100, UNLIMITED_MEMORY)
  receive.readFrom(connectionWith([sent]), BUDGET)

  receive.payload.fill(0)

  expect(sent.subarray(4).toString()).toBe('mine')
})

test.each([-1, 101])('a size of %i is refused when 100 is the largest', size => {
  const header = Buffer.alloc(4)
  header.writeInt32BE(size)
  const receive = new NetworkReceive('a', 100, UNLIMITED_MEMORY)

  expect(() => receive.readFrom(connectionWith([header]), BUDGET)).toThrow(InvalidReceiveError)
})

test('the end of the stream shows as −1', () => {
  const receive = new NetworkReceive('a', 100, UNLIMITED_MEMORY)
  expect(receive.readFrom(connectionWith([Buffer.alloc(2)], true), BUDGET)).toBe(-1)
})

function frame(text: string): Buffer {
  const bytes = Buffer.from(text)
  const size = Buffer.alloc(4)
  size.writeInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}

/** A connection on which these chunks have arrived. */
function connectionWith(chunks: Buffer[], ended = false): Connection {
  const waiting = [...chunks]
  const unused = () => {
    throw new Error('not used here')
  }
  return {
    local: { host: 'a', port: 1 },
    remote: { host: 'b', port: 2 },
    read(maxBytes) {
      const chunk = waiting.shift()
      if (chunk === undefined) return ended ? END_OF_STREAM : null
      if (chunk.length > maxBytes) waiting.unshift(chunk.subarray(maxBytes))
      return chunk.subarray(0, maxBytes)
    },
    write: unused,
    onReady: unused,
    end: unused,
    close: unused,
    reset: unused,
  }
}
