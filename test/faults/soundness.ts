import { Request } from '../../src/network/request.ts'
import type { Answer, RequestInfo } from '../../src/network/request-observer.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { encodeResponse } from '../../src/protocol/codec.ts'
import type { Stage } from './stage.ts'

const PRODUCE: RequestInfo = {
  brokerName: 'broker-1',
  apiKey: 0,
  apiName: 'Produce',
  apiVersion: 9,
  clientId: 'nobody',
  connectionId: 'none',
  correlationId: 0,
  listener: 'PLAINTEXT',
  nth: 1,
}

/** To a request that nobody has sent. */
export const ANSWER: Answer = {
  request: new Request({
    processor: 0,
    context: {
      header: { apiKey: Metadata.key, apiVersion: 9, correlationId: 0, clientId: 'nobody' },
      connectionId: 'none',
      clientAddress: '10.1.2.3',
      listenerName: 'PLAINTEXT',
    },
    api: Metadata,
    body: { topics: [] },
    responseVersion: 9,
    sizeInBytes: 100,
    startTimeMs: 0,
    releaseMemory: () => undefined,
  }),
  payload: encodeResponse(Metadata, 9, 0, { brokers: [], topics: [] }),
}

/** The ends of the connections between clients and the broker, with what faults do to them. */
function connectionsOf({ world }: Stage): unknown[] {
  return world.network.connections().flatMap(({ id, client, server }) => {
    const left: unknown[] = []
    if (client.stalled) left.push(`connection ${id}: the client does not read`)
    if (server.stalled) left.push(`connection ${id}: the broker does not read`)
    for (const pipe of [client.outPipe, server.outPipe]) if (pipe?.blocked) left.push(`connection ${id}: silent`)
    return left
  })
}

function threadsOf({ broker }: Stage): string[] {
  return [...broker.host.processes].flatMap(process => [
    ...(process.held === undefined ? [] : ['the process is paused']),
    ...[...process.threads].filter(({ lane }) => lane.held !== undefined).map(({ name }) => `${name} is frozen`),
  ])
}

/** Everything that is not as it is in a world without faults. */
export function leftBehind(stage: Stage): unknown[] {
  const { world, broker, clients, gate } = stage
  const left: unknown[] = [...connectionsOf(stage), ...threadsOf(stage)]
  for (const { host } of clients) {
    for (const [from, to] of [[host.name, broker.name] as const, [broker.name, host.name] as const]) {
      const { conditions } = world.network.link(from, to)
      const normal = world.network.defaults(from, to)
      if (JSON.stringify(conditions) !== JSON.stringify(normal)) left.push({ from, to, ...conditions })
      if (conditions.bytesPerSecond !== normal.bytesPerSecond) left.push(`${from}>${to} is slow`)
    }
  }
  const { kernel, disk, clock, cpuSlowness } = broker.host
  if (kernel.refusing.size > 0) left.push('connections are refused')
  if (disk.full) left.push('the disk is full')
  if (disk.failsSyncs) left.push('the disk fails to sync')
  if (disk.slowness !== 1) left.push(`the disk is ${disk.slowness} times slower`)
  if (cpuSlowness !== 1) left.push(`the processor is ${cpuSlowness} times slower`)
  if (!clock.isRight) left.push('the clock is wrong')
  if (gate.onResponse(PRODUCE, ANSWER) !== 'send') left.push('answers are lost or late')
  if (gate.onHandle(ANSWER.request) !== undefined) left.push('requests are refused')
  if (broker.state !== 'running') left.push(`the broker is ${broker.state}`)
  const others = world.hosts.get('others')
  if (others !== undefined && others.processes.size > 0) left.push('others still besiege the broker')
  return left
}
