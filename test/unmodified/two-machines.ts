import { once } from 'node:events'
import net, { type Socket } from 'node:net'
import type { SimulatedProcess } from '../../harness/world/process.ts'
import { World, type WorldOptions } from '../../harness/world/world.ts'

export interface Place {
  readonly world: World
  readonly server: SimulatedProcess
  readonly client: SimulatedProcess
}

/** Runs a body in a world of two machines, `server` and `client`; the body itself runs as code of the client. */
export function onTwoMachines<T>(body: (place: Place) => Promise<T>, options: Partial<WorldOptions> = {}): Promise<T> {
  const world = new World({ seed: 'net', ...options })
  return world.run(() => {
    const place = { world, server: world.host('server').process(), client: world.host('client').process() }
    return place.client.run(() => body(place))
  })
}

/** Starts a server on port 9000 of the machine `server`. */
export function serve(
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

export const ADDRESS = { host: 'server', port: 9000 }

export async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'end')
  return Buffer.concat(chunks).toString()
}

/** The events of a socket from now on, in order. */
export function eventsOf(socket: Socket): string[] {
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
