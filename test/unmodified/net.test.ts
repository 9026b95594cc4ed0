import { once } from 'node:events'
import net, { connect as importedConnect, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import { describe, expect, test } from 'vitest'
import { installUnmodified } from '../../harness/unmodified/install.ts'
import { ADDRESS, eventsOf, onTwoMachines, readAll, serve } from './two-machines.ts'

installUnmodified()

describe('a client and a server of node:net talk in the world', () => {
  const ways: Record<string, () => Socket> = {
    'net.connect(options)': () => net.connect(ADDRESS),
    'net.connect(port, host)': () => net.connect(9000, 'server'),
    'net.createConnection': () => net.createConnection(ADDRESS),
    'a named import': () => importedConnect(ADDRESS),
    'new net.Socket().connect(options)': () => new net.Socket().connect(ADDRESS),
    'new Socket().connect(port, host)': () => new Socket().connect(9000, 'server'),
    'the address instead of the name': () => net.connect(9000, '10.0.0.1'),
    'the port as a string': () => net.connect({ host: 'server', port: '9000' as unknown as number }),
  }
  for (const [way, connect] of Object.entries(ways)) {
    test(`by ${way}`, async () => {
      const [answer, isSocket] = await onTwoMachines(async place => {
        await serve(place, socket => socket.pipe(socket))
        const socket = connect()
        socket.end('ping')
        return [await readAll(socket), socket instanceof net.Socket]
      })

      expect(answer).toBe('ping')
      expect(isSocket).toBe(true)
    })
  }

  test('events come in the order of Node, each end closes once', async () => {
    const seen = await onTwoMachines(async place => {
      let atServer: string[] = []
      await serve(place, socket => {
        atServer = eventsOf(socket)
        socket.write('hello')
      })
      const socket = net.connect(ADDRESS)
      const atClient = eventsOf(socket)
      await once(socket, 'data')
      socket.end('bye')
      await once(socket, 'close')
      await place.world.sleep(10)
      return { atClient, atServer }
    })

    expect(seen.atClient).toEqual(['connect', 'ready', 'data hello', 'finish', 'end', 'close false'])
    expect(seen.atServer).toEqual(['data bye', 'end', 'finish', 'close false'])
  })

  test('callbacks of connect, listen, write, end and close are called', async () => {
    const called = await onTwoMachines(async place => {
      const seen: string[] = []
      const server = net.createServer(socket => socket.resume())
      place.server.run(() => server.listen(9000, '0.0.0.0', 10, () => seen.push('listen')))
      await once(server, 'listening')
      const socket = net.connect(ADDRESS, () => seen.push('connect'))
      socket.write('x', () => seen.push('write'))
      socket.end(() => seen.push('end'))
      await once(socket, 'close')
      server.close(() => seen.push('close'))
      await once(server, 'close')
      return seen
    })

    expect(called).toEqual(['listen', 'connect', 'write', 'end', 'close'])
  })

  test('both ends know their addresses, counts and states', async () => {
    const facts = await onTwoMachines(async place => {
      let peer: unknown[] = []
      const server = await serve(place, socket => {
        peer = [socket.localAddress, socket.localPort, socket.remoteAddress, socket.remotePort]
        socket.end('four')
      })
      const socket = net.connect(ADDRESS)
      const before = [socket.connecting, socket.pending, socket.readyState, socket.remoteAddress]
      await once(socket, 'connect')
      const after = [socket.connecting, socket.pending, socket.readyState, socket.remoteAddress, socket.remoteFamily]
      const connections = await new Promise(done => server.getConnections((_error, count) => done(count)))
      const local = socket.address() as net.AddressInfo
      await readAll(socket)
      const port = [socket.localPort === peer[3], local.port === peer[3], local.address]
      return { before, after, port, peer: peer.slice(0, 3), bytes: socket.bytesRead, connections, at: server.address() }
    })

    expect(facts).toEqual({
      before: [true, true, 'opening', undefined],
      after: [false, false, 'open', '10.0.0.1', 'IPv4'],
      port: [true, true, '10.0.0.2'],
      peer: ['10.0.0.1', 9000, '10.0.0.2'],
      bytes: 4,
      connections: 1,
      at: { address: '10.0.0.1', port: 9000, family: 'IPv4' },
    })
  })

  test('bytes are copied: the caller may reuse its buffer after the callback, text keeps its encoding', async () => {
    const heard = await onTwoMachines(async place => {
      const received = new Promise<string>(done => void serve(place, socket => void readAll(socket).then(done)))
      await place.world.sleep(1)
      const socket = net.connect(ADDRESS)
      const memory = Buffer.from('aaaa')
      await once(socket, 'connect')
      await new Promise(done => socket.write(memory, done))
      memory.fill('z')
      socket.cork()
      socket.write('ff', 'hex')
      socket.write('é', 'latin1')
      socket.uncork()
      socket.end()
      return Buffer.from(await received).toString()
    })

    expect(heard.startsWith('aaaa')).toBe(true)
    expect(heard).not.toContain('z')
  })
})

describe('timeouts and flow control', () => {
  test('setTimeout before connect rings while the connection is being made', async () => {
    const rang = await onTwoMachines(async place => {
      place.world.network.block('client', 'server')
      const socket = new net.Socket()
      socket.setTimeout(700, () => socket.destroy())
      socket.connect(ADDRESS)
      await once(socket, 'close')
      return [place.world.nowMs, socket.timeout]
    })

    expect(rang).toEqual([700, 700])
  })

  test('an idle connection rings after its timeout, traffic puts it off, 0 ends it', async () => {
    const rang = await onTwoMachines(async place => {
      await serve(place, socket => socket.pipe(socket))
      const socket = net.connect(ADDRESS)
      const at: number[] = []
      socket.on('timeout', () => at.push(Math.round(place.world.nowMs / 10)))
      socket.resume()
      socket.setTimeout(100)
      await sleep(80)
      socket.write('x')
      await sleep(200)
      socket.write('y')
      await sleep(50)
      socket.setTimeout(0)
      await sleep(500)
      socket.destroy()
      return at
    })

    expect(rang).toEqual([18])
  })

  test('a slow reader holds the writer back; drain comes when it reads on', async () => {
    const facts = await onTwoMachines(async place => {
      let received = 0
      let reader: Socket | undefined
      await serve(place, socket => {
        reader = socket
        socket.on('data', (chunk: Buffer) => {
          received += chunk.length
        })
        socket.pause()
      })
      const socket = net.connect(ADDRESS)
      await once(socket, 'connect')
      const roomAtOnce = socket.write(Buffer.alloc(1_000_000))
      await sleep(1000)
      const waiting = [socket.writableLength > 800_000, received]
      reader?.resume()
      await once(socket, 'drain')
      await sleep(10)
      return { roomAtOnce, waiting, received, left: socket.writableLength }
    })

    expect(facts).toEqual({ roomAtOnce: false, waiting: [true, 0], received: 1_000_000, left: 0 })
  })

  test('pause and resume in the middle lose nothing', async () => {
    const total = await onTwoMachines(async place => {
      await serve(place, socket => socket.end(Buffer.alloc(300_000)))
      const socket = net.connect(ADDRESS)
      let bytes = 0
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        socket.pause()
        setTimeout(() => socket.resume(), 5)
      })
      await once(socket, 'end')
      return bytes
    })

    expect(total).toBe(300_000)
  })
})

describe('TLS is plain text with the events of TLS', () => {
  test('tls.connect emits secureConnect, calls back and carries bytes', async () => {
    const result = await onTwoMachines(async place => {
      await serve(place, socket => socket.pipe(socket))
      const seen: string[] = []
      const socket = tls.connect({ ...ADDRESS, timeout: 5000 }, () => seen.push('callback'))
      socket.on('secureConnect', () => seen.push('secureConnect'))
      socket.end('secret')
      return [await readAll(socket), ...seen.sort(), socket.authorized, socket.encrypted, socket.timeout]
    })

    expect(result).toEqual(['secret', 'callback', 'secureConnect', true, true, 5000])
  })
})

describe('outside a trial sockets are real', () => {
  test('a real server and client talk over loopback, before and after a trial', async () => {
    const talk = async (): Promise<string> => {
      const server = net.createServer(socket => socket.end('real'))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
      const text = await readAll(socket)
      server.close()
      return text
    }

    const before = await talk()
    await onTwoMachines(place => place.world.sleep(1))

    expect([before, await talk()]).toEqual(['real', 'real'])
  })

  test('what a finished trial left open stays quiet', async () => {
    let heard = 0
    let socket: Socket | undefined
    await onTwoMachines(async place => {
      await serve(place, peer => {
        peer.on('data', () => heard++)
        setInterval(() => peer.write('tick'), 1)
      })
      socket = net.connect(ADDRESS)
      socket.on('data', () => heard++)
      await place.world.sleep(20)
    })
    const atTheEnd = heard

    socket?.write('anybody there?')
    socket?.end()
    await new Promise(done => setTimeout(done, 20))

    expect(atTheEnd).toBeGreaterThan(0)
    expect(heard).toBe(atTheEnd)
  })
})
