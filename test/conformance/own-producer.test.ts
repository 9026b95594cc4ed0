import { execFile, spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConfigValues, KafkaProducer, stringSerde } from '../../src/clients/index.ts'
import { createNodeRuntime } from '../../src/runtime/node/node-runtime.ts'
import { fetchBatches, type RealBroker, startRealBroker } from '../support/real-broker.ts'

const hasKcat = spawnSync('kcat', ['-V']).status === 0
const run = promisify(execFile)

describe('the producer with the Java client’s semantics over real TCP', () => {
  let broker: RealBroker

  beforeAll(async () => {
    broker = await startRealBroker({ 'num.partitions': '1' })
  })

  afterAll(async () => {
    await broker?.stop()
  })

  function producerFor(config: ConfigValues = {}): KafkaProducer<string, string> {
    const runtime = createNodeRuntime({ name: 'app', dataDirectory: tmpdir() })
    const bootstrap = { 'bootstrap.servers': broker.bootstrap }
    const serializers = { keySerializer: stringSerde, valueSerializer: stringSerde }
    return new KafkaProducer(runtime, { ...bootstrap, ...config }, serializers)
  }

  async function valuesOf(topic: string): Promise<string[]> {
    const batches = await fetchBatches(broker, topic)
    return batches.flatMap(batch => [...batch.records()].map(({ value }) => value?.toString() ?? 'null'))
  }

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('sends 1,000 records with codec %s', async codec => {
    const topic = `codec-${codec}`
    const producer = producerFor({ 'compression.type': codec })
    const values = Array.from({ length: 1000 }, (_, index) => `${codec} ${index} ${'.'.repeat(index % 50)}`)
    const sent = await Promise.all(values.map(value => producer.send({ topic, value })))
    await producer.close()
    expect(sent.map(({ offset }) => offset)).toEqual(values.map((_, index) => index))
    expect(await valuesOf(topic)).toEqual(values)
    expect(new Set((await fetchBatches(broker, topic)).map(batch => batch.compression))).toEqual(new Set([codec]))
  })

  test.each(['0', '1', 'all'])('sends with acks %s', async acks => {
    const topic = `acks-${acks}`
    const producer = producerFor({ acks })
    const { offset } = await producer.send({ topic, key: 'k', value: 'v' })
    await producer.close()
    expect(offset).toBe(acks === '0' ? -1 : 0)
    await expect.poll(() => valuesOf(topic)).toEqual(['v'])
  })

  test('goes on when the broker was away', async () => {
    const producer = producerFor({ 'reconnect.backoff.max.ms': 100 })
    await producer.send({ topic: 'restarted', value: 'before' })
    await broker.restart()
    await producer.send({ topic: 'restarted', value: 'after' })
    await producer.close()
    expect(await valuesOf('restarted')).toEqual(['before', 'after'])
  })

  test.skipIf(!hasKcat)('kcat reads keys, headers and timestamps', async () => {
    const producer = producerFor()
    const headers = [{ key: 'from', value: Buffer.from('test') }]
    await producer.send({ topic: 'read', key: 'k', value: 'v', headers, timestamp: 1234 })
    await producer.send({ topic: 'read', value: null })
    await producer.close()
    const options = ['-b', broker.bootstrap, '-C', '-t', 'read', '-o', 'beginning', '-e', '-q']
    const { stdout } = await run('kcat', [...options, '-f', '%o %k=%s %h %T %S\n'])
    const [first, second] = stdout.split('\n')
    expect(first).toBe('0 k=v from=test 1234 1')
    expect(second).toMatch(/^1 = {2}\d+ -1$/)
  })
})
