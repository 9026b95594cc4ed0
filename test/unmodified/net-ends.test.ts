import { once } from 'node:events'
import net, { type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { installUnmodified } from '../../harness/unmodified/install.ts'
import { ADDRESS, eventsOf, onTwoMachines, type Place, readAll, serve } from './two-machines.ts'

installUnmodified()

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
