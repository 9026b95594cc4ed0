import { expect, test } from 'vitest'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { BrokerUnderTest } from '../support/broker-under-test.ts'

test('a new broker starts, serves metadata with itself as only node, and stops', async () => {
  const broker = await BrokerUnderTest.started()
  const client = await broker.connect()

  const metadata = await broker.run(() => client.send(Metadata, 13, { topics: null }))

  const port = broker.server.boundPort()
  expect(metadata).toMatchObject({
    clusterId: broker.server.clusterId,
    controllerId: 1,
    brokers: [{ nodeId: 1, host: '127.0.0.1', port }],
    topics: [],
  })
  await broker.stop()
  expect(broker.server.state).toBe('NOT_RUNNING')
  expect(broker.runtime.pendingTimers).toBe(0)
  expect(broker.runtime.waiting).toEqual([])
})
