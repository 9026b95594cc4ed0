import { spawn, spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type ConfigValues, KafkaConsumer, KafkaProducer, stringSerde } from '../../src/clients/index.ts'
import { createNodeRuntime } from '../../src/runtime/node/node-runtime.ts'
import { type RealBroker, startRealBroker } from '../support/real-broker.ts'

const hasKcat = spawnSync('kcat', ['-V']).status === 0
const runtime = createNodeRuntime({ name: 'client', dataDirectory: tmpdir() })

// Real time, real TCP.
describe('the consumer with the Java client’s semantics', () => {
  let broker: RealBroker
  const consumers: KafkaConsumer<string, string>[] = []

  beforeAll(async () => {
    broker = await startRealBroker({
      'num.partitions': '2',
      'offsets.topic.replication.factor': '1',
      'group.initial.rebalance.delay.ms': '0',
    })
  })

  afterEach(async () => {
    await Promise.all(consumers.splice(0).map(consumer => consumer.close()))
  })

  afterAll(async () => {
    await broker?.stop()
  })

  function consumer(config: ConfigValues = {}): KafkaConsumer<string, string> {
    const made = new KafkaConsumer(
      runtime,
      { 'bootstrap.servers': broker.bootstrap, 'auto.offset.reset': 'earliest', ...config },
      { keyDeserializer: stringSerde, valueDeserializer: stringSerde },
    )
    consumers.push(made)
    return made
  }

  async function produce(topic: string, values: readonly string[], config: ConfigValues = {}): Promise<void> {
    const producer = new KafkaProducer(
      runtime,
      { 'bootstrap.servers': broker.bootstrap, ...config },
      { keySerializer: stringSerde, valueSerializer: stringSerde },
    )
    await Promise.all(values.map(value => producer.send({ topic, partition: 0, key: `key of ${value}`, value })))
    await producer.close()
  }

  async function values(from: KafkaConsumer<string, string>, count: number): Promise<string[]> {
    const found: string[] = []
    for (let left = 300; found.length < count; left--) {
      if (left === 0) throw new Error(`only ${found.length} of ${count} records came`)
      for (const { value } of await from.poll(100)) found.push(`${value}`)
    }
    return found
  }

  test.each(['none', 'gzip', 'lz4', 'snappy', 'zstd'])('reads what our own producer sent with %s', async codec => {
    const topic = `own-${codec}`
    const sent = Array.from({ length: 2000 }, (_, index) => `record ${index} ${'.'.repeat(index % 90)}`)
    await produce(topic, sent, { 'compression.type': codec })
    const reader = consumer()
    await reader.assign([{ topic, partition: 0 }])
    expect(await values(reader, sent.length)).toEqual(sent)
    reader.seek({ topic, partition: 0 }, 1999)
    const [last] = await reader.poll(5000)
    expect(last).toMatchObject({
      offset: 1999,
      key: 'key of record 1999 ...................',
      timestampType: 'CreateTime',
    })
  })

  test('two of a group share a topic, and one goes on when the other leaves', async () => {
    await produce('shared', ['first'])
    const config = { 'group.id': 'two', 'heartbeat.interval.ms': 100, 'enable.auto.commit': false }
    const [one, two] = [consumer(config), consumer(config)]
    await one.subscribe(['shared'])
    expect(await values(one, 1)).toEqual(['first'])
    await one.commitSync()
    await two.subscribe(['shared'])
    for (let left = 100; left > 0 && two.assignment().length !== 1; left--) {
      await Promise.all([one.poll(100), two.poll(100)])
    }
    expect([...one.assignment(), ...two.assignment()].map(({ partition }) => partition).sort()).toEqual([0, 1])
    await one.close()
    await produce('shared', ['second'])
    expect(await values(two, 1)).toEqual(['second'])
    expect(two.assignment()).toHaveLength(2)
  })

  test('goes on after the broker was started again', async () => {
    await produce('restarted', ['before'])
    const reader = consumer({ 'group.id': 'restarted', 'auto.commit.interval.ms': 100, 'heartbeat.interval.ms': 100 })
    await reader.subscribe(['restarted'])
    expect(await values(reader, 1)).toEqual(['before'])
    await reader.commitSync()
    await broker.restart()
    await produce('restarted', ['after'])
    expect(await values(reader, 1)).toEqual(['after'])
  })

  describe.skipIf(!hasKcat)('beside librdkafka', () => {
    test('reads what kcat -P sent', async () => {
      const lines = Array.from({ length: 500 }, (_, index) => `line ${index}`)
      await kcat(['-P', '-t', 'from-kcat', '-p', '1', '-z', 'snappy'], `${lines.join('\n')}\n`)
      const reader = consumer({ 'group.id': 'kcat-reader' })
      await reader.subscribe(['from-kcat'])
      expect(await values(reader, lines.length)).toEqual(lines)
    })

    test('is in one group with it, through a rebalance', async () => {
      await produce('mixed', ['a'])
      const ours = consumer({
        'group.id': 'mixed',
        'heartbeat.interval.ms': 100,
        'partition.assignment.strategy': 'range',
      })
      await ours.subscribe(['mixed'])
      expect(await values(ours, 1)).toEqual(['a'])
      expect(ours.assignment()).toHaveLength(2)

      const theirs = spawn('kcat', ['-b', broker.bootstrap, '-G', 'mixed', '-X', 'heartbeat.interval.ms=100', 'mixed'])
      const ended = new Promise(resolve => theirs.on('close', resolve))
      try {
        for (let left = 150; left > 0 && ours.assignment().length !== 1; left--) await ours.poll(100)
        expect(ours.assignment()).toHaveLength(1)
      } finally {
        theirs.kill('SIGINT')
        await ended
      }
      for (let left = 150; left > 0 && ours.assignment().length !== 2; left--) await ours.poll(100)
      expect(ours.assignment()).toHaveLength(2)
    })

    /** Runs kcat against the broker. Rejects, with its messages, when it fails. */
    function kcat(args: readonly string[], input: string): Promise<void> {
      const child = spawn('kcat', ['-b', broker.bootstrap, ...args], { timeout: 60_000 })
      let messages = ''
      child.stderr.on('data', chunk => {
        messages += chunk
      })
      child.stdin.end(input)
      return new Promise((resolve, reject) => {
        child.on('error', reject)
        child.on('close', code => {
          if (code === 0) resolve()
          else reject(new Error(`kcat ${args.join(' ')} ended with ${code}: ${messages}`))
        })
      })
    }
  })
})
