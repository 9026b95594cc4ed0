import type { ClientName } from '../../trial/scenario.ts'
import { installUnmodified } from '../../unmodified/install.ts'
import type { ClientOptions, ProducerClient } from './producer-client.ts'

export type CreateClient = (options: ClientOptions) => ProducerClient

const loaded = new Map<ClientName, Promise<CreateClient>>()

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

async function load(name: ClientName): Promise<CreateClient> {
  installUnmodified()
  const environment = process.env['NODE_ENV']
  process.env['NODE_ENV'] = 'production'
  try {
    if (name === 'kafkajs') return (await import('./kafkajs.ts')).createKafkaJsClient
    return (await import('./platformatic.ts')).createPlatformaticClient
  } finally {
    if (environment === undefined) delete process.env['NODE_ENV']
    else process.env['NODE_ENV'] = environment
  }
}
