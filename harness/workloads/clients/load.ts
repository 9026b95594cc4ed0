import type { ConsumerClientName } from '../../trial/group-spec.ts'
import type { ClientName } from '../../trial/scenario.ts'
import { installUnmodified } from '../../unmodified/install.ts'
import type { ConsumerClient, ConsumerOptions } from './consumer-client.ts'
import type { ClientOptions, ProducerClient } from './producer-client.ts'

export type CreateClient = (options: ClientOptions) => ProducerClient

export type CreateConsumer = (options: ConsumerOptions) => ConsumerClient

const loaded = new Map<ClientName, Promise<CreateClient>>()
const loadedConsumers = new Map<ConsumerClientName, Promise<CreateConsumer>>()

/**
 * Loads a client library, after the virtual time and network are in place. KafkaJS swaps its retry defaults when it is
 * loaded with `NODE_ENV=test`; it is loaded as users ship it.
 */
export function loadClient(name: ClientName): Promise<CreateClient> {
  let client = loaded.get(name)
  if (client === undefined) {
    client = load(name)
    loaded.set(name, client)
  }
  return client
}

/** As `loadClient`, for consumers. */
export function loadConsumer(name: ConsumerClientName): Promise<CreateConsumer> {
  let client = loadedConsumers.get(name)
  if (client === undefined) {
    client = asShipped(async () => {
      if (name === 'kafkajs') return (await import('./kafkajs-consumer.ts')).createKafkaJsConsumer
      if (name === 'java-semantics') return (await import('./java-semantics-consumer.ts')).createJavaSemanticsConsumer
      return (await import('./platformatic-consumer.ts')).createPlatformaticConsumer
    })
    loadedConsumers.set(name, client)
  }
  return client
}

function load(name: ClientName): Promise<CreateClient> {
  return asShipped(async () => {
    if (name === 'kafkajs') return (await import('./kafkajs.ts')).createKafkaJsClient
    if (name === 'java-semantics') return (await import('./java-semantics.ts')).createJavaSemanticsClient
    return (await import('./platformatic.ts')).createPlatformaticClient
  })
}

async function asShipped<T>(loading: () => Promise<T>): Promise<T> {
  installUnmodified()
  const environment = process.env['NODE_ENV']
  process.env['NODE_ENV'] = 'production'
  try {
    return await loading()
  } finally {
    if (environment === undefined) delete process.env['NODE_ENV']
    else process.env['NODE_ENV'] = environment
  }
}
