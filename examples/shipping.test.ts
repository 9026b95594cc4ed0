import fc from 'fast-check'
import { type Simulation, simulate } from 'kafka-trial' // before any client library is imported
import { Kafka, logLevel } from 'kafkajs'
import { it } from 'vitest'
import { runShipping } from './shipping.ts'

const ORDERS = Array.from({ length: 60 }, (_, index) => `order-${index}`)

const TOPICS = [{ name: 'orders', partitions: 4 }] as const
const CONFIG = { 'group.initial.rebalance.delay.ms': '0' } // as in Kafka's own docker image and quick start

/** What an evening of work on production may look like. */
const evening = fc.record({
  seed: fc.nat().map(String),
  deploys: fc.array(
    fc.record({
      afterMs: fc.integer({ min: 100, max: 2000 }),
      service: fc.constantFrom(0, 1),
      how: fc.constantFrom('redeploy', 'kill'),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  leaderCrashes: fc.boolean(),
})

function clientOf(simulation: Simulation): Kafka {
  return new Kafka({ brokers: simulation.bootstrap, logLevel: logLevel.NOTHING })
}

/** Places the orders, one every 100 ms. KafkaJS would give an order up after five retries: too few for a broker's crash. */
async function placeOrders(kafka: Kafka): Promise<void> {
  const producer = kafka.producer({ idempotent: true, retry: { retries: 30 } })
  await producer.connect()
  for (const order of ORDERS) {
    await producer.send({ topic: 'orders', messages: [{ key: order, value: order }] })
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  await producer.disconnect()
}

it('ships every order, whatever is redeployed or killed meanwhile', async () => {
  const property = fc.asyncProperty(evening, async ({ seed, deploys, leaderCrashes }) => {
    await simulate({ seed, topics: TOPICS, config: CONFIG }, async simulation => {
      const shipped = new Set<string>()
      const warehouse = {
        ship: async (order: string) => {
          await new Promise(resolve => setTimeout(resolve, 80))
          shipped.add(order)
        },
      }
      const services = ['shipping-1', 'shipping-2'].map(name =>
        simulation.start(name, ({ signal }) => runShipping(clientOf(simulation), warehouse, signal), {
          supervised: true,
        }),
      )
      const placed = simulation.run('shop', () => placeOrders(clientOf(simulation)))
      if (leaderCrashes) simulation.inject('crash-leader', { at: { ms: 1500 }, on: 'leader', forMs: 4000 })
      for (const { afterMs, service, how } of deploys) {
        await simulation.sleep(afterMs)
        if (how === 'kill') services[service]?.kill()
        else await services[service]?.redeploy()
        services[service]?.start()
      }
      await placed
      await simulation.heal()
      await simulation.until('every order is shipped', () => shipped.size === ORDERS.length)
    })
  })
  await fc.assert(property, { numRuns: 10, seed: 1 })
})
