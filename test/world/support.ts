import type { HostOptions } from '../../harness/world/host.ts'
import type { SimulatedProcess } from '../../harness/world/process.ts'
import type { NetworkConnection } from '../../harness/world/tcp/network.ts'
import { World, type WorldOptions } from '../../harness/world/world.ts'
import type { Connection, ConnectOptions, Listener, NetworkErrorCode } from '../../src/runtime/network.ts'
import { END_OF_STREAM, NetworkError } from '../../src/runtime/network.ts'

/** A network whose times a test can predict: one way takes 1 ms between hosts, and nothing is split. */
export const STEADY_NETWORK = {
  latencyUs: [1000, 1000],
  loopbackUs: [10, 10],
  fragment: { probability: 0, maxBytes: 1 },
} as const

export interface Pair {
  readonly world: World
  readonly server: SimulatedProcess
  readonly client: SimulatedProcess
}

/** Runs a body in a fresh world with two machines, `server` and `client`. */
export function withPair<T>(
  body: (pair: Pair) => Promise<T>,
  options: Partial<WorldOptions> = {},
  hostOptions: HostOptions = {},
): Promise<T> {
  const world = new World({ seed: 'pair', network: STEADY_NETWORK, ...options })
  const pair = { world, server: world.host('server', hostOptions).process(), client: world.host('client').process() }
  return world.run(() => body(pair))
}

export const PORT = 9000

export function listen(
  { server }: Pair,
  options: Partial<ConnectOptions & { backlog: number }> = {},
): Promise<Listener> {
  return server.network.listen({ host: 'server', port: PORT, backlog: 10, ...options })
}

export function dial({ client }: Pair, options: Partial<ConnectOptions> = {}): Promise<Connection> {
  return client.network.connect({ host: 'server', port: PORT, ...options })
}

export interface Connected {
  readonly listener: Listener
  readonly client: Connection
  readonly server: Connection
  /** The connection as faults see it. */
  readonly wire: NetworkConnection
}

/** A connection from `client` to `server`, accepted. */
export async function connected(pair: Pair, options: Partial<ConnectOptions> = {}): Promise<Connected> {
  const listener = await listen(pair, options)
  const client = await dial(pair, options)
  const server = listener.accept()
  const wire = pair.world.network.connections().at(-1)
  if (server === null || wire === undefined) throw new Error('the connection was not accepted')
  return { listener, client, server, wire }
}

/** Everything that can be read now, and how the stream stands after it. */
export function readNow(connection: Connection): {
  readonly text: string
  readonly state: 'open' | 'end' | NetworkErrorCode
} {
  const chunks: Buffer[] = []
  const text = (): string => Buffer.concat(chunks).toString()
  try {
    for (;;) {
      const chunk = connection.read(65_536)
      if (chunk === null) return { text: text(), state: 'open' }
      if (chunk === END_OF_STREAM) return { text: text(), state: 'end' }
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof NetworkError) return { text: text(), state: error.code }
    throw error
  }
}

/** Writes as much as the connection takes now; how much that was, or the error's code. */
export function writeNow(connection: Connection, bytes: Buffer | string): number | NetworkErrorCode {
  try {
    return connection.write(Buffer.from(bytes))
  } catch (error) {
    if (error instanceof NetworkError) return error.code
    throw error
  }
}

/** The code with which a promise of the network or the disk rejects. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'no failure'
  } catch (error) {
    return (error as { readonly code: string }).code
  }
}

/** A promise's result if it settles within `ms` of virtual time, else `'pending'`. */
export function within<T>(world: World, ms: number, promise: Promise<T>): Promise<T | 'pending'> {
  return Promise.race([promise, world.sleep(ms).then(() => 'pending' as const)])
}
