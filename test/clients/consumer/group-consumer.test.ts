import { describe, expect, test } from 'vitest'
import { partitionKey, type TopicPartition } from '../../../src/protocol/topic-partition.ts'
import { type TextConsumer, useBroker } from './consumer-fixture.ts'

const keys = (partitions: readonly TopicPartition[]) => partitions.map(partitionKey).sort()

describe('consumers of a group', () => {
  const fixture = useBroker({ orders: 4 })
  const { run } = fixture

  /** Polls several consumers in turn until something holds. */
  async function pollUntil(consumers: readonly TextConsumer[], holds: () => boolean): Promise<void> {
    for (let left = 500; !holds(); left--) {
      if (left === 0) throw new Error('it does not come')
      await run(() => Promise.all(consumers.map(consumer => consumer.poll(100))))
    }
  }

  test('one alone gets all partitions, and goes on where it has committed', async () => {
    await fixture.broker.produce(fixture.client, 'orders', ['a', 'b'], { partition: 1 })
    const first = fixture.consumer({ 'group.id': 'group', 'enable.auto.commit': false })
    await run(() => first.subscribe(['orders']))
    expect(await fixture.values(first, 2)).toEqual(['a', 'b'])
    expect(keys(first.assignment())).toEqual(['orders-0', 'orders-1', 'orders-2', 'orders-3'])
    await run(() => first.commitSync())
    const committed = await run(() => first.committed([{ topic: 'orders', partition: 1 }]))
    expect(committed.get({ topic: 'orders', partition: 1 })?.offset).toBe(2)
    await fixture.close(first)

    await fixture.broker.produce(fixture.client, 'orders', ['c'], { partition: 1 })
    const second = fixture.consumer({ 'group.id': 'group' })
    await run(() => second.subscribe(['orders']))
    expect(await fixture.values(second, 1)).toEqual(['c'])
  })

  test('two share the partitions, and one takes over when the other leaves', async () => {
    const [one, two] = [fixture.consumer({ 'group.id': 'group' }), fixture.consumer({ 'group.id': 'group' })]
    await run(() => one.subscribe(['orders']))
    await pollUntil([one], () => one.assignment().length === 4)
    await run(() => two.subscribe(['orders']))
    await pollUntil([one, two], () => one.assignment().length === 2 && two.assignment().length === 2)
    expect(keys([...one.assignment(), ...two.assignment()])).toEqual(['orders-0', 'orders-1', 'orders-2', 'orders-3'])

    await fixture.close(two)
    await pollUntil([one], () => one.assignment().length === 4)
  })
})
