import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  FaultOrderError,
  SERVE_FAULTS,
  type ServeFaultKind,
  type ServeFaultOrder,
  type ServeFaults,
} from './serve-faults.ts'
import type { ServeNode } from './serve-node.ts'

const MAX_BODY_BYTES = 65_536
/** A fault that lasts longer is healed by hand. */
const MAX_FAULT_MS = 86_400_000

export interface ControlledCluster {
  readonly nodes: ReadonlyMap<number, ServeNode>
  readonly faults: ServeFaults
}

const ROUTES = [
  'GET /nodes',
  'POST /nodes/ID/start',
  'GET /faults',
  'POST /faults',
  'DELETE /faults/ID',
  'DELETE /faults',
] as const

interface Answer {
  readonly status: number
  readonly body: object
}

/**
 * The HTTP control API of a served cluster, on loopback only. `POST /faults` takes `{"kind", "node", "forMs"?, "from"?}`; all
 * answers are JSON.
 */
export class ControlServer {
  readonly #cluster: ControlledCluster
  readonly #server: Server

  constructor(cluster: ControlledCluster) {
    this.#cluster = cluster
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  /** Rejects with the system's error when the port is taken. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, '127.0.0.1', resolve)
    })
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer
    try {
      answer = await this.#answer(request)
    } catch (error) {
      const status = error instanceof FaultOrderError ? 400 : 500
      answer = { status, body: { error: error instanceof Error ? error.message : String(error) } }
    }
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(`${JSON.stringify(answer.body)}\n`)
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    // A web page that a browser shows must not reach it under a name of its own.
    if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(request.headers.host ?? '')) {
      return { status: 403, body: { error: 'only for 127.0.0.1' } }
    }
    const { nodes, faults } = this.#cluster
    const [resource, id, ...rest] = (request.url ?? '').split('/').slice(1)
    const route = [`${request.method} ${resource}`, ...(id === undefined ? [] : ['id']), ...rest].join('/')
    switch (route) {
      case 'GET nodes':
        return { status: 200, body: { nodes: [...nodes.values()].map(describeNode) } }
      case 'GET faults':
        return { status: 200, body: { faults: faults.active, kinds: SERVE_FAULTS } }
      case 'POST nodes/id/start':
        return { status: 200, body: describeNode(await faults.startNode(Number(id))) }
      case 'POST faults':
        return { status: 201, body: await faults.inject(faultOrderOf(await bodyOf(request))) }
      case 'DELETE faults':
        await faults.healAll()
        return { status: 200, body: { faults: faults.active } }
      case 'DELETE faults/id':
        if (await faults.heal(Number(id))) return { status: 200, body: { faults: faults.active } }
        return { status: 404, body: { error: `there is no fault ${id}` } }
      default:
        return { status: 404, body: { error: `there is no ${request.method} ${request.url}`, routes: ROUTES } }
    }
  }
}

function describeNode({ id, state, pid, options }: ServeNode): object {
  const { host, port, controllerPort } = options
  return { id, state, host, port, controllerPort, pid }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw new FaultOrderError(`a body may have ${MAX_BODY_BYTES} bytes`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    throw new FaultOrderError('expected JSON such as {"kind": "kill", "node": 2, "forMs": 5000}')
  }
}

function faultOrderOf(body: unknown): ServeFaultOrder {
  if (typeof body !== 'object' || body === null) throw new FaultOrderError('expected an object')
  const { kind, node, forMs, from, ...unknown } = body as Record<string, unknown>
  const [stranger] = Object.keys(unknown)
  if (stranger !== undefined) throw new FaultOrderError(`unknown field ${stranger}: kind, node, forMs, from`)
  if (typeof kind !== 'string' || !Object.hasOwn(SERVE_FAULTS, kind)) {
    throw new FaultOrderError(`unknown kind ${JSON.stringify(kind)}: ${Object.keys(SERVE_FAULTS).join(', ')}`)
  }
  if (typeof node !== 'number') throw new FaultOrderError('node must be the number of a node')
  if (forMs !== undefined && !(typeof forMs === 'number' && forMs >= 0 && forMs <= MAX_FAULT_MS)) {
    throw new FaultOrderError(`forMs must be milliseconds up to ${MAX_FAULT_MS}`)
  }
  if (from !== undefined && !(Array.isArray(from) && from.every(other => typeof other === 'number'))) {
    throw new FaultOrderError('from must be a list of node numbers')
  }
  return {
    kind: kind as ServeFaultKind,
    node,
    ...(forMs !== undefined && { forMs: forMs as number }),
    ...(from !== undefined && { from: from as number[] }),
  }
}
