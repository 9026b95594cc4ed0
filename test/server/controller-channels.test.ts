import { expect, test } from 'vitest'
import { BrokerHeartbeat } from '../../src/protocol/apis/broker-heartbeat.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { KafkaConfig } from '../../src/server/config/kafka-config.ts'
import { createControllerChannels } from '../../src/server/controller-channels.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

test('a heartbeat is tried until the next one is due, so that a session outlives some that are lost', async () => {
  const runtime = createManualRuntime()
  const properties = {
    'process.roles': 'broker',
    'node.id': '1',
    'controller.quorum.voters': '9@controller:9093',
    'controller.listener.names': 'CONTROLLER',
    listeners: 'PLAINTEXT://localhost:9092',
    'broker.heartbeat.interval.ms': '1500',
  }
  const config = KafkaConfig.fromProperties(new Map(Object.entries(properties)))
  const channels = createControllerChannels(runtime, config, { controllerNode: undefined })
  channels.heartbeat.start()
  const body = { brokerId: 1, brokerEpoch: 5, currentMetadataOffset: 7, wantFence: false, wantShutDown: false }

  const failed = channels.heartbeat.sendRequest(BrokerHeartbeat, 1, body).catch((error: unknown) => error)
  const error = await runtime.run(() => failed, 1600)

  expect(error).toMatchObject({ code: ErrorCode.REQUEST_TIMED_OUT })
  await runtime.run(() => channels.heartbeat.shutdown())
})
