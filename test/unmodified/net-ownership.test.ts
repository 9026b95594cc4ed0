import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import net from 'node:net'
import { describe, expect, test } from 'vitest'
import { installUnmodified } from '../../harness/unmodified/install.ts'
import { ADDRESS, eventsOf, onTwoMachines, serve } from './two-machines.ts'

installUnmodified()

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
