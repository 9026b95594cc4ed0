import type { Consumer, Kafka } from 'kafkajs'

/** Where shipped orders are kept: a database, say. To ship an order again changes nothing. */
export interface Warehouse {
  ship(order: string): Promise<void>
}

/** An application as you may have it: ships every order of a topic, and commits when it has. */
export async function runShipping(kafka: Kafka, warehouse: Warehouse, signal: AbortSignal): Promise<void> {
  const consumer: Consumer = kafka.consumer({ groupId: 'shipping', sessionTimeout: 10_000, heartbeatInterval: 1000 })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, partition, message }) => {
      await warehouse.ship(message.value?.toString() ?? '')
      await consumer.commitOffsets([{ topic, partition, offset: `${BigInt(message.offset) + 1n}` }])
    },
  })
  if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve))
  await consumer.disconnect()
}
