import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import net, { connect as importedConnect, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import { describe, expect, test } from 'vitest'
import { installUnmodified } from '../../harness/unmodified/install.ts'
import type { SimulatedProcess } from '../../harness/world/process.ts'
import { World, type WorldOptions } from '../../harness/world/world.ts'

installUnmodified()

interface Place {
  readonly world: World
  readonly server: SimulatedProcess
  readonly client: SimulatedProcess
}

/** Runs a body in a world of two machines, `server` and `client`; the body itself runs as code of the client. */
function onTwoMachines<T>(body: (place: Place) => Promise<T>, options: Partial<WorldOptions> = {}): Promise<T> {
  const world = new World({ seed: 'net', ...options })
  return world.run(() => {
    const place = { world, server: world.host('server').process(), client: world.host('client').process() }
    return place.client.run(() => body(place))
  })
}

/** Starts a server on port 9000 of the machine `server`. */
function serve(
  place: Place,
  onConnection: (socket: Socket) => void,
  options: net.ServerOpts = {},
): Promise<net.Server> {
  return place.server.run(async () => {
    const server = net.createServer(options, onConnection)
    server.listen(9000)
    await once(server, 'listening')
    return server
  })
}

const ADDRESS = { host: 'server', port: 9000 }

async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'end')
  return Buffer.concat(chunks).toString()
}

/** The events of a socket from now on, in order. */
function eventsOf(socket: Socket): string[] {
  const seen: string[] = []
  for (const name of ['connect', 'ready', 'end', 'finish', 'timeout'])
    socket.on(name, () => {
      seen.push(name)
    })
  socket.on('data', (chunk: Buffer) => seen.push(`data ${chunk}`))
  socket.on('error', (error: NodeJS.ErrnoException) => seen.push(`error ${error.code} ${error.syscall}`))
  socket.on('close', hadError => seen.push(`close ${hadError}`))
  return seen
}

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

describe('connections end in the world as they end on a real machine', () => {
  test('a half-open connection still carries the answer', async () => {
    const answer = await onTwoMachines(async place => {
      await serve(place, socket => void readAll(socket).then(text => socket.end(`got ${text}`)), {
        allowHalfOpen: true,
      })
      const socket = net.connect({ ...ADDRESS, allowHalfOpen: true })
      socket.end('question')
      return readAll(socket)
    })

    expect(answer).toBe('got question')
  })

  test('without allowHalfOpen the end of the peer ends the own side too', async () => {
    const seen = await onTwoMachines(async place => {
      await serve(place, socket => socket.end())
      const socket = net.connect(ADDRESS)
      const events = eventsOf(socket)
      socket.resume()
      await once(socket, 'close')
      return events
    })

    expect(seen).toEqual(['connect', 'ready', 'end', 'finish', 'close false'])
  })

  test('resetAndDestroy reaches the peer as ECONNRESET, after what was sent before', async () => {
    const seen = await onTwoMachines(async place => {
      let atServer: string[] = []
      await serve(place, socket => {
        atServer = eventsOf(socket)
      })
      const socket = net.connect(ADDRESS)
      await once(socket, 'connect')
      socket.write('last words')
      socket.resetAndDestroy()
      await place.world.sleep(50)
      return atServer
    })

    expect(seen).toEqual(['data last words', 'error ECONNRESET read', 'close true'])
  })

  test('destroy with an error tells it here and closes over there', async () => {
    const seen = await onTwoMachines(async place => {
      let atServer: string[] = []
      await serve(place, socket => {
        atServer = eventsOf(socket)
      })
      const socket = net.connect(ADDRESS)
      const atClient = eventsOf(socket)
      await once(socket, 'connect')
      socket.destroy(new Error('enough'))
      await place.world.sleep(50)
      return { atClient, atServer }
    })

    expect(seen.atClient).toEqual(['connect', 'ready', 'error undefined undefined', 'close true'])
    expect(seen.atServer).toEqual(['end', 'finish', 'close false'])
  })

  test('destroySoon sends what is left before it closes', async () => {
    const heard = await onTwoMachines(async place => {
      const received = new Promise<string>(done => void serve(place, socket => void readAll(socket).then(done)))
      await place.world.sleep(1)
      const socket = net.connect(ADDRESS)
      await once(socket, 'connect')
      socket.write('x'.repeat(500_000))
      socket.destroySoon()
      return (await received).length
    })

    expect(heard).toBe(500_000)
  })

  test('a write after the end fails, and so does one after destroy', async () => {
    const codes = await onTwoMachines(async place => {
      await serve(place, socket => socket.resume())
      const write = (socket: Socket): Promise<string | undefined> =>
        new Promise(done => socket.write('x', error => done((error as NodeJS.ErrnoException | undefined)?.code)))
      const ended = net.connect(ADDRESS).on('error', () => {})
      await once(ended, 'connect')
      ended.end()
      const destroyed = net.connect(ADDRESS)
      await once(destroyed, 'connect')
      destroyed.destroy()
      return [await write(ended), await write(destroyed)]
    })

    expect(codes).toEqual(['ERR_STREAM_WRITE_AFTER_END', 'ERR_STREAM_DESTROYED'])
  })

  test('a socket that was closed can be connected again', async () => {
    const answers = await onTwoMachines(async place => {
      let count = 0
      await serve(place, socket => socket.end(`answer ${++count}`))
      const socket = net.connect(ADDRESS)
      const first = await readAll(socket)
      await once(socket, 'close')
      socket.removeAllListeners('data')
      socket.connect(ADDRESS)
      return [first, await readAll(socket)]
    })

    expect(answers).toEqual(['answer 1', 'answer 2'])
  })
})

describe('what goes wrong has the names that Node gives it', () => {
  async function failureOf(connect: (place: Place) => Socket): Promise<unknown> {
    return onTwoMachines(async place => {
      const socket = connect(place)
      const seen = eventsOf(socket)
      const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException & { address?: string; port?: number }]
      await place.world.sleep(1)
      return [error.message, error.code, error.syscall, seen.at(-1), place.world.nowMs > 0]
    })
  }

  test('nobody listens: ECONNREFUSED', async () => {
    expect(await failureOf(() => net.connect(ADDRESS))).toEqual([
      'connect ECONNREFUSED server:9000',
      'ECONNREFUSED',
      'connect',
      'close true',
      true,
    ])
  })

  test('an unknown name: ENOTFOUND', async () => {
    expect(await failureOf(() => net.connect(9000, 'nowhere'))).toEqual([
      'getaddrinfo ENOTFOUND nowhere',
      'ENOTFOUND',
      'getaddrinfo',
      'close true',
      true,
    ])
  })

  test('a name service that fails: EAI_AGAIN', async () => {
    const failure = await failureOf(place => {
      place.world.network.dnsFailures.set('server', 'EAI_AGAIN')
      return net.connect(ADDRESS)
    })

    expect(failure).toEqual(['getaddrinfo EAI_AGAIN server', 'EAI_AGAIN', 'getaddrinfo', 'close true', true])
  })

  test('a partition: ETIMEDOUT after more than two minutes', async () => {
    const elapsed = await onTwoMachines(async place => {
      place.world.network.block('client', 'server')
      const socket = net.connect(ADDRESS)
      const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
      return [error.code, Math.round(place.world.nowMs / 1000)]
    })

    expect(elapsed).toEqual(['ETIMEDOUT', 127])
  })

  test('a port that is taken: EADDRINUSE; and it is free again after close', async () => {
    const result = await onTwoMachines(async place => {
      const first = await serve(place, () => {})
      const failure: unknown = await serve(place, () => {}).catch((error: unknown) => error)
      first.close()
      await once(first, 'close')
      const again = await serve(place, () => {})
      return [(failure as NodeJS.ErrnoException).code, again.listening, first.listening]
    })

    expect(result).toEqual(['EADDRINUSE', true, false])
  })

  test('listening twice, pipes and impossible ports are refused at once', async () => {
    const codes = await onTwoMachines(async place => {
      const server = await serve(place, () => {})
      const codeOf = (body: () => unknown): string => {
        try {
          body()
        } catch (error) {
          const { code, message } = error as NodeJS.ErrnoException
          return code ?? message
        }
        return 'accepted'
      }
      return place.server.run(() => [
        codeOf(() => server.listen(9001)),
        codeOf(() => net.createServer().listen('/run/pipe')),
        codeOf(() => net.connect({ path: '/run/pipe' })),
        codeOf(() => net.connect(70_000, 'server')),
      ])
    })

    expect(codes).toEqual([
      'ERR_SERVER_ALREADY_LISTEN',
      'pipes are not simulated: /run/pipe',
      'pipes are not simulated: /run/pipe',
      'ERR_SOCKET_BAD_PORT',
    ])
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

describe('sockets belong to the process and the async context that made them', () => {
  test("the user's AsyncLocalStorage follows sockets, at both ends its own", async () => {
    const storage = new AsyncLocalStorage<string>()
    const seen = await onTwoMachines(async place => {
      const found: (string | undefined)[] = []
      await storage.run('server', () =>
        serve(place, socket => {
          found.push(`connection ${storage.getStore()}`)
          socket.on('data', chunk => {
            found.push(`request ${storage.getStore()}`)
            socket.end(chunk)
          })
        }),
      )
      await storage.run('request 7', async () => {
        const socket = net.connect(ADDRESS)
        socket.on('connect', () => found.push(`connect ${storage.getStore()}`))
        socket.on('data', () => found.push(`data ${storage.getStore()}`))
        socket.write('x')
        await once(socket, 'close')
        found.push(`close ${storage.getStore()}`)
      })
      return found
    })

    expect(seen).toEqual([
      'connection server',
      'connect request 7',
      'request server',
      'data request 7',
      'close request 7',
    ])
  })

  test('code that a connection calls runs as the process that listens', async () => {
    const times = await onTwoMachines(async place => {
      place.server.host.clock.jump(86_400_000)
      const served = new Promise<number>(
        done => void serve(place, socket => socket.on('data', () => setTimeout(() => done(Date.now()), 1))),
      )
      await place.world.sleep(1)
      net.connect(ADDRESS).write('x')
      return (await served) - Date.now()
    })

    expect(times).toBe(86_400_000)
  })

  test('a killed process is silent, and its peers see its connections end', async () => {
    const seen = await onTwoMachines(async place => {
      let spoken = 0
      await serve(place, socket => {
        setInterval(() => {
          spoken++
          socket.write('tick')
        }, 10)
      })
      const socket = net.connect(ADDRESS)
      const events = eventsOf(socket)
      await place.world.sleep(35)
      place.server.kill()
      const atDeath = spoken
      await once(socket, 'close')
      await place.world.sleep(100)
      const refused = eventsOf(net.connect(ADDRESS))
      await place.world.sleep(10)
      return { events, quiet: spoken === atDeath, refused }
    })

    expect(seen.events).toEqual([
      'connect',
      'ready',
      'data tick',
      'data tick',
      'data tick',
      'end',
      'finish',
      'close false',
    ])
    expect(seen.quiet).toBe(true)
    expect(seen.refused).toEqual(['error ECONNREFUSED connect', 'close true'])
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
