import type { ConfigValues } from '../../../src/clients/abstract-config.ts'
import { KafkaProducer, type ProducerOptions } from '../../../src/clients/producer/kafka-producer.ts'
import { stringSerde } from '../../../src/clients/serialization.ts'
import type { Runtime } from '../../../src/runtime/runtime.ts'
import { createManualRuntime, type ManualRuntime } from '../../support/manual-runtime.ts'
import { ScriptedBroker } from '../../support/scripted-broker.ts'

export interface Stage {
  readonly runtime: ManualRuntime
  readonly broker: ScriptedBroker
  readonly producer: KafkaProducer<string, string>
}

export function producerFor(
  runtime: Runtime,
  bootstrap: string,
  config: ConfigValues = {},
  options: Partial<ProducerOptions<string, string>> = {},
): KafkaProducer<string, string> {
  return new KafkaProducer<string, string>(
    runtime,
    { 'bootstrap.servers': bootstrap, 'client.id': 'p', ...config },
    {
      keySerializer: stringSerde,
      valueSerializer: stringSerde,
      onWarning: message => {
        throw new Error(message)
      },
      ...options,
    },
  )
}

/** A producer and a scripted broker with topic `t` of some partitions, on a manual runtime. */
export async function onStage(
  config: ConfigValues,
  body: (stage: Stage) => Promise<void>,
  partitions = 1,
  options: Partial<ProducerOptions<string, string>> = {},
): Promise<void> {
  const runtime = createManualRuntime()
  const broker = await ScriptedBroker.started(runtime, { t: partitions })
  const producer = producerFor(runtime, broker.bootstrap, config, options)
  try {
    await body({ runtime, broker, producer })
  } finally {
    await runtime.run(() => producer.close(0))
  }
  await runtime.advance(60_000)
  if (broker.connections > 0) throw new Error('the producer has left connections open')
  if (runtime.pendingTimers > 0) throw new Error('the producer has left timers')
}

/** How a promise ended: its value, or the name and message of its error. */
export async function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    value => value,
    (error: Error) => `${error.name}: ${error.message}`,
  )
}
