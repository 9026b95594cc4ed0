import { describe, expect, test } from 'vitest'
import { connected, dial, listen, PORT, readNow, STEADY_NETWORK, withPair, writeNow } from '../support.ts'
import { collect, pattern, pour } from './streams.ts'

describe('bytes', () => {
  test('take the latency of the path, and never arrive inside the call that writes them', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server } = await connected(pair)
      const startedMs = world.nowMs
      let arrivedMs = -1
      server.onReady(() => {
        arrivedMs = world.nowMs
      })
      client.write(Buffer.from('x'))
      expect(arrivedMs).toBe(-1)
      await world.sleep(10)

      expect(arrivedMs - startedMs).toBe(1)
    })
  })

  test('arrive in order however the latency of each segment falls', async () => {
    await withPair(
      async pair => {
        const { world } = pair
        const { client, server } = await connected(pair)
        const received = collect(server)
        const bytes = pattern(20_000)
        for (let at = 0; at < bytes.length; at += 100) {
          client.write(bytes.subarray(at, at + 100))
          await world.sleep(0.1)
        }
        await world.sleep(1000)

        expect(received.bytes().equals(bytes)).toBe(true)
      },
      { network: { latencyUs: [100, 50_000] } },
    )
  })

  test('are split at arbitrary places when the path fragments', async () => {
    await withPair(
      async pair => {
        const { client, server } = await connected(pair)
        const sizes: number[] = []
        server.onReady(() => {
          for (let chunk = server.read(65_536); Buffer.isBuffer(chunk); chunk = server.read(65_536))
            sizes.push(chunk.length)
        })
        client.write(pattern(1000))
        await pair.world.sleep(100)

        expect(sizes.reduce((sum, size) => sum + size)).toBe(1000)
        expect(sizes.length).toBeGreaterThan(50)
        expect(Math.max(...sizes)).toBeLessThanOrEqual(20)
        expect(new Set(sizes).size).toBeGreaterThan(5)
      },
      { network: { ...STEADY_NETWORK, fragment: { probability: 1, maxBytes: 20 } } },
    )
  })

  test('are limited by the bandwidth of the path, which all its connections share', async () => {
    await withPair(async pair => {
      const { world } = pair
      const first = await connected(pair)
      const second = await dial(pair)
      const received = collect(first.server)
      world.network.link('client', 'server').conditions.bytesPerSecond = 100_000
      pour(first.client, pattern(50_000))
      second.write(pattern(50_000))
      await world.sleep(400)
      expect(received.bytes().length).toBe(0) // one segment of 50,000 bytes takes half a second
      await world.sleep(200)
      expect(received.bytes().length).toBe(50_000)
      const arrivedMs = world.nowMs
      pour(first.client, pattern(1000))
      await world.sleep(350)
      expect(received.bytes().length).toBe(50_000)
      await world.sleep(200)

      expect(received.bytes().length).toBe(51_000)
      expect(arrivedMs).toBeLessThan(700)
    })
  })
})

describe('flow control', () => {
  test('takes what both buffers hold, then nothing, and tells the writer when there is room', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server } = await connected(pair, { sendBufferBytes: 1000, receiveBufferBytes: 2000 })
      let total = 0
      for (let round = 0; round < 10; round++) {
        total += writeNow(client, pattern(700)) as number
        await world.sleep(5)
      }
      expect(total).toBe(3000)
      let told = 0
      client.onReady(() => told++)
      await world.sleep(1000)
      expect([writeNow(client, 'x'), told]).toEqual([0, 0])

      expect([server.read(700), server.read(299)].map(chunk => (chunk as Buffer).length)).toEqual([700, 299])
      await world.sleep(10)
      expect(told).toBe(0) // no update for less than half the buffer
      server.read(1)
      await world.sleep(10)

      expect(told).toBe(1)
      expect(writeNow(client, pattern(1000))).toBe(1000)
    })
  })

  test('tells a writer whose full send buffer has been delivered although nobody has read yet', async () => {
    await withPair(async pair => {
      const { client } = await connected(pair, { sendBufferBytes: 1000, receiveBufferBytes: 65_536 })
      let told = 0
      client.onReady(() => told++)
      expect(writeNow(client, pattern(5000))).toBe(1000)
      await pair.world.sleep(10)

      expect(told).toBeGreaterThan(0)
      expect(writeNow(client, pattern(5000))).toBe(1000)
    })
  })

  test('a megabyte passes through tiny buffers whole', async () => {
    await withPair(async pair => {
      const { client, server } = await connected(pair, { sendBufferBytes: 3000, receiveBufferBytes: 1500 })
      const received = collect(server)
      const bytes = pattern(1_000_000)
      const writing = pour(client, bytes)
      await pair.world.sleep(60_000)

      expect(writing.left()).toBe(0)
      expect(received.bytes().equals(bytes)).toBe(true)
      expect(pair.world.statistics.events).toBeLessThan(10_000) // segments do not shrink to crumbs
    })
  })

  test('a send buffer that shrinks takes no more, and its old size comes back', async () => {
    await withPair(async pair => {
      const { client, wire } = await connected(pair)
      wire.client.outPipe?.squeeze(10)
      expect(writeNow(client, pattern(100))).toBe(10)
      let told = 0
      client.onReady(() => told++)
      wire.client.outPipe?.squeeze(undefined)
      await pair.world.sleep(1)

      expect(told).toBeGreaterThan(0)
      expect(writeNow(client, pattern(100))).toBe(100)
    })
  })

  test('a reader that stalls sees nothing and holds its peer back, and finds everything when it goes on', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server, wire } = await connected(pair, { sendBufferBytes: 100, receiveBufferBytes: 100 })
      wire.server.stalled = true
      const received = collect(server)
      const writing = pour(client, pattern(300))
      await world.sleep(100)
      expect([received.bytes().length, writing.left()]).toEqual([0, 100])

      wire.server.stalled = false
      wire.server.notifyLater('notify')
      await world.sleep(100)

      expect(received.bytes().equals(pattern(300))).toBe(true)
    })
  })
})

describe('the end of a connection', () => {
  test('half-close: the end comes after the last byte, the other direction works on', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server } = await connected(pair)
      client.write(Buffer.from('question'))
      client.end()
      await world.sleep(5)
      expect(readNow(server)).toEqual({ text: 'question', state: 'end' })
      server.write(Buffer.from('answer'))
      await world.sleep(5)

      expect(readNow(client)).toEqual({ text: 'answer', state: 'open' })
      expect(writeNow(client, 'more')).toBe('EPIPE')
    })
  })

  test('close sends what the send buffer holds, through a full receive buffer too', async () => {
    await withPair(async pair => {
      const { client, server } = await connected(pair, { sendBufferBytes: 5000, receiveBufferBytes: 1000 })
      const bytes = pattern(5000)
      expect(client.write(bytes)).toBe(5000)
      client.close()
      await pair.world.sleep(50)
      let text = ''
      for (let round = 0; round < 20; round++) {
        const now = readNow(server)
        text += now.text
        if (now.state === 'end') break
        await pair.world.sleep(5)
      }

      expect(text).toBe(bytes.toString())
    })
  })

  test('a reset comes after what was sent before it, and what was not sent yet is lost', async () => {
    await withPair(async pair => {
      const { client, server } = await connected(pair, { sendBufferBytes: 5000, receiveBufferBytes: 1000 })
      client.write(pattern(3000))
      client.reset()
      await pair.world.sleep(50)
      const { text, state } = readNow(server)

      expect(text).toHaveLength(1000)
      expect(state).toBe('ECONNRESET')
      expect(writeNow(server, 'x')).toBe('ECONNRESET')
    })
  })

  test('a reset never overtakes data, whatever the latencies', async () => {
    for (let seed = 0; seed < 30; seed++) {
      await withPair(
        async pair => {
          const { client, server } = await connected(pair)
          client.write(Buffer.from('important'))
          client.reset()
          await pair.world.sleep(500)

          expect(readNow(server)).toEqual({ text: 'important', state: 'ECONNRESET' })
        },
        { seed: `${seed}`, network: { latencyUs: [100, 200_000] } },
      )
    }
  })

  test('bytes for a socket that is closed are answered with a reset', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server } = await connected(pair)
      server.close()
      await world.sleep(5)
      expect(readNow(client).state).toBe('end')
      expect(writeNow(client, 'anybody there?')).toBe(14)
      await world.sleep(5)

      expect(writeNow(client, 'hello?')).toBe('EPIPE')
      expect(readNow(client).state).toBe('end')
    })
  })

  test('a reset that is lost on the way is found out by whoever sends next', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server } = await connected(pair)
      world.network.block('server', 'client')
      server.reset()
      await world.sleep(10)
      world.network.unblock('server', 'client')
      await world.sleep(10_000)
      expect(readNow(client).state).toBe('open')
      writeNow(client, 'still there?')
      await world.sleep(10)

      expect(readNow(client).state).toBe('ECONNRESET')
    })
  })

  test('an attempt that is given up opens nothing, also when the peer had accepted it already', async () => {
    await withPair(async pair => {
      const { world, client } = pair
      const listener = await listen(pair)
      const outcomes: string[] = []
      for (const afterMs of [0.5, 1.5]) {
        const giveUp = client.host.kernel.connect(
          client,
          { host: 'server', port: PORT },
          () => outcomes.push('connected'),
          () => outcomes.push('failed'),
        )
        await world.sleep(afterMs)
        giveUp()
      }
      await world.sleep(50)
      const half = listener.accept()

      expect(outcomes).toEqual([])
      expect(half === null ? 'none' : readNow(half).state).toBe('ECONNRESET')
      expect(listener.accept()).toBeNull()
    })
  })
})

test('an error in a callback of the network is the crash of the process that set it', async () => {
  await withPair(async pair => {
    const { world, server: process } = pair
    const crashes: string[] = []
    process.onCrash = (_thread, error) => crashes.push(String(error))
    const { client, server } = await connected(pair)
    server.onReady(() => {
      throw new Error('planted')
    })
    writeNow(client, 'x')
    await world.sleep(10)

    expect(crashes).toEqual(['Error: planted'])
    expect(process.alive).toBe(false)
  })
})
