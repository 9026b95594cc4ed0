import { expect, test } from 'vitest'
import { ApiVersions } from '../../src/protocol/apis/api-versions.ts'
import { ServerUnderTest } from '../support/server-under-test.ts'

const TWO_LISTENERS = [
  { name: 'INTERNAL', host: '127.0.0.1', port: 9091 },
  { name: 'CLIENTS', host: '127.0.0.1', port: 9092 },
]

test('beyond max.connections the acceptor waits until a connection closes', async () => {
  const bench = await ServerUnderTest.started({ maxConnections: 2 })
  const [first, second] = [await bench.connect(), await bench.connect()]
  await bench.runtime.settle()
  const third = await bench.connect()
  third.send(ApiVersions, 2, {})
  await bench.runtime.settle()
  const servedEarly = third.hasFrame

  first.close()
  await bench.runtime.settle()

  expect(servedEarly).toBe(false)
  expect(third.hasFrame).toBe(true)
  expect(second.ending).toBeUndefined()
  await bench.stop()
})

test('the inter-broker listener is exempt from max.connections, another listener makes room', async () => {
  const bench = await ServerUnderTest.started({
    listeners: TWO_LISTENERS,
    interBrokerListenerName: 'INTERNAL',
    maxConnections: 1,
  })
  const client = await bench.connect('CLIENTS')
  await bench.runtime.settle()

  const broker = await bench.connect('INTERNAL')
  broker.send(ApiVersions, 2, {})
  await bench.runtime.settle()

  expect(broker.hasFrame).toBe(true)
  expect(client.ending).toBeDefined()
  expect(bench.server.connectionCount).toBe(1)
  await bench.stop()
})

test("a listener's own maximum holds only its acceptor back", async () => {
  const bench = await ServerUnderTest.started({
    listeners: TWO_LISTENERS,
    interBrokerListenerName: 'INTERNAL',
    listenerQuotas: new Map([['CLIENTS', { maxConnections: 1, maxConnectionCreationRate: Number.MAX_SAFE_INTEGER }]]),
  })
  await bench.connect('CLIENTS')
  const second = await bench.connect('CLIENTS')
  second.send(ApiVersions, 2, {})
  const broker = await bench.connect('INTERNAL')
  broker.send(ApiVersions, 2, {})
  await bench.runtime.settle()

  expect(second.hasFrame).toBe(false)
  expect(broker.hasFrame).toBe(true)
  await bench.stop()
})

test('one connection more than max.connections.per.ip is closed at once', async () => {
  const bench = await ServerUnderTest.started({ maxConnectionsPerIp: 2 })
  const allowed = [await bench.connect(), await bench.connect()]

  const excess = await bench.connect()
  await bench.runtime.settle()

  expect(excess.ending).toBeDefined()
  for (const client of allowed) expect(client.ending).toBeUndefined()
  expect(bench.server.connectionCount).toBe(2)
  await bench.stop()
})

test('an override of max.connections.per.ip counts for its address', async () => {
  const overrides = new Map([['127.0.0.1', 3]])
  const bench = await ServerUnderTest.started({ maxConnectionsPerIp: 0, maxConnectionsPerIpOverrides: overrides })
  const clients = [await bench.connect(), await bench.connect(), await bench.connect(), await bench.connect()]
  await bench.runtime.settle()

  expect(clients.map(client => client.ending !== undefined)).toEqual([false, false, false, true])
  await bench.stop()
})

test('above max.connection.creation.rate the acceptor waits for up to a second, nothing is refused', async () => {
  const bench = await ServerUnderTest.started({ maxConnectionCreationRate: 1 })
  const clients = await Promise.all(Array.from({ length: 14 }, () => bench.connect()))
  for (const client of clients) client.send(ApiVersions, 2, {})
  await bench.runtime.settle()
  const servedAtOnce = clients.filter(client => client.hasFrame).length

  await bench.runtime.advance(60_000)

  expect(servedAtOnce).toBe(10)
  expect(clients.every(client => client.hasFrame)).toBe(true)
  await bench.stop()
})

test('a connection above the rate of its address is closed late and not counted', async () => {
  const bench = await ServerUnderTest.started()
  bench.server.connectionQuotas.updateIpConnectionRateQuota('127.0.0.1', 1)
  const clients = await Promise.all(Array.from({ length: 11 }, () => bench.connect()))
  await bench.runtime.settle()
  const last = clients.at(-1)
  const endingAtOnce = last?.ending
  const counted = bench.server.connectionCount

  await bench.runtime.advance(2_000)

  expect(endingAtOnce).toBeUndefined()
  expect(counted).toBe(10)
  expect(last?.ending).toBeDefined()
  expect(clients.filter(client => client.ending !== undefined)).toHaveLength(1)
  await bench.stop()
})

test('when all processors are stuck their queues of new connections fill and the acceptor blocks', async () => {
  const bench = await ServerUnderTest.started({ queuedMaxRequests: 1, numIoThreads: 1, socketListenBacklogSize: 500 })
  bench.closeGate()
  const stuck = await Promise.all(Array.from({ length: 4 }, () => bench.connect()))
  for (const client of stuck) client.send(ApiVersions, 2, {})
  await bench.runtime.settle()

  const late = await Promise.all(Array.from({ length: 30 }, () => bench.connect()))
  for (const client of late) client.send(ApiVersions, 2, {})
  await bench.runtime.advance(1_000)
  const blocked = bench.runtime.waiting.filter(reason => reason.includes('newConnections full'))
  bench.openGate()
  await bench.runtime.settle()

  expect(blocked).toHaveLength(1)
  expect(
    bench.metrics.value('kafka.network:type=Acceptor,name=AcceptorBlockedPercent,listener=PLAINTEXT'),
  ).toBeGreaterThan(0)
  for (const client of [...stuck, ...late]) expect(client.hasFrame).toBe(true)
  await bench.stop()
})
