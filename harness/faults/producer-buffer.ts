import type { ClientNode } from '../trial/client-node.ts'
import { stall } from './connections.ts'
import { type AmountRange, amountOf, type FaultKind, type Injection } from './fault-kind.ts'

const SENDS: AmountRange = { unit: 'sends at once', low: 20, high: 100 }

/** No broker reads what the client sends it, on the connections that there are now. */
function silence({ world }: Injection, { host }: ClientNode): () => void {
  const ends = world.network
    .connections()
    .filter(({ client, server }) => client.kernel.host === host && !client.closed && !server.closed)
    .map(({ server }) => stall(server))
  return () => {
    for (const end of ends) end()
  }
}

export const fullProducerBuffer: FaultKind = {
  name: 'full-producer-buffer',
  summary:
    'no broker reads what an application sends while it sends much at once, so that its memory fills (buffer.memory, max.block.ms)',
  amount: SENDS,
  longestMs: 8000,
  inject(injection, fault) {
    const { clients, hit, tell } = injection
    const sends = amountOf(fault, SENDS)
    const first = fault.pick ?? 0
    for (let turn = 0; turn < clients.length; turn++) {
      const client = clients[(first + turn) % clients.length]
      const burst = client?.burst?.(sends)
      if (client === undefined || burst === undefined) continue
      hit(`nobody reads what ${client.name} sends, which sends ${sends} records at once`)
      const end = silence(injection, client)
      burst()
      return () => {
        tell(`brokers read what ${client.name} sends again`)
        end()
      }
    }
    return undefined
  },
}
