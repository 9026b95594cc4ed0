import { World } from '../harness/world/world.ts'
import { Condition } from '../src/runtime/condition.ts'
import { END_OF_STREAM } from '../src/runtime/network.ts'

/** Wall microseconds an event of the world costs. */
export interface EventCost {
  readonly events: number
  readonly usPerEvent: number
}

/** A chain of timers, each set by the one before. */
export async function timerChain(count: number): Promise<EventCost> {
  const world = new World({ seed: 'bench' })
  await world.run(async () => {
    for (let index = 0; index < count; index++) await world.sleep(1)
  })
  return costOf(world)
}

/** 100 bytes to and fro between two hosts over simulated TCP. */
export async function pingPong(rounds: number): Promise<EventCost> {
  const world = new World({ seed: 'bench' })
  const server = world.host('server').process()
  const client = world.host('client').process()
  await world.run(async () => {
    const { promise: done, resolve } = Promise.withResolvers<void>()
    const listener = await server.network.listen({ host: 'server', port: 9, backlog: 1 })
    server.threads.start('server', async () => {
      const ready = new Condition(server, 'server')
      listener.onReady(() => ready.signal())
      let connection = listener.accept()
      for (; connection === null; connection = listener.accept()) await ready.wait()
      connection.onReady(() => ready.signal())
      for (;;) {
        const chunk = connection.read(1000)
        if (chunk === END_OF_STREAM) return
        if (chunk === null) await ready.wait()
        else connection.write(chunk)
      }
    })
    client.threads.start('client', async () => {
      const connection = await client.network.connect({ host: 'server', port: 9 })
      const ready = new Condition(client, 'client')
      connection.onReady(() => ready.signal())
      const ping = Buffer.alloc(100)
      for (let round = 0; round < rounds; round++) {
        connection.write(ping)
        for (let received = 0; received < ping.length; ) {
          const chunk = connection.read(1000)
          if (chunk === null || chunk === END_OF_STREAM) await ready.wait()
          else received += chunk.length
        }
      }
      connection.end()
      resolve()
    })
    await done
  })
  return costOf(world)
}

function costOf(world: World): EventCost {
  const { events, wallMs } = world.statistics
  return { events, usPerEvent: (wallMs * 1000) / events }
}
