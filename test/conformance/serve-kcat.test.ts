import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runKcat } from '../support/kcat.ts'
import { fetchBatches, type RealBroker, startRealBroker } from '../support/real-broker.ts'

const hasKcat = spawnSync('kcat', ['-V']).status === 0

// librdkafka chooses API versions, codecs and formats of its own: what KafkaJS cannot show.
describe.skipIf(!hasKcat)('kcat', () => {
  let broker: RealBroker

  beforeAll(async () => {
    broker = await startRealBroker({ 'num.partitions': '2' })
  })

  afterAll(async () => {
    await broker?.stop()
  })

  test('kcat -L lists the broker and its topics', async () => {
    await kcat(['-P', '-t', 'listed', '-p', '0'], 'x\n')

    const listed = await kcat(['-L', '-t', 'listed'])

    expect(listed).toContain(`broker 1 at ${broker.bootstrap}`)
    expect(listed).toContain('topic "listed" with 2 partitions')
    expect(listed).toContain('partition 0, leader 1, replicas: 1, isrs: 1')
  })

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('kcat -P and -C carry records with codec %s', async codec => {
    const topic = `codec-${codec}`
    const lines = Array.from({ length: 500 }, (_, index) => `${codec} record ${index} ${'.'.repeat(index % 50)}`)

    await kcat(['-P', '-t', topic, '-p', '0', '-z', codec], `${lines.join('\n')}\n`)
    const consumed = await kcat(['-C', '-t', topic, '-p', '0', '-o', 'beginning', '-e', '-q'])

    expect(consumed.trimEnd().split('\n')).toEqual(lines)
    const stored = new Set((await fetchBatches(broker, topic)).map(batch => batch.compression))
    // librdkafka sends what would not become smaller as it is: such as a first batch of few records.
    expect([...stored]).toContain(codec)
  })

  test.each(['0', '1', 'all'])('kcat -P with acks %s stores the records', async acks => {
    const topic = `acks-${acks}`
    await kcat(['-P', '-t', topic, '-p', '0'], 'create\n')

    await kcat(['-P', '-t', topic, '-p', '0', '-X', `acks=${acks}`], 'a\nb\n')

    expect(await kcat(['-C', '-t', topic, '-p', '0', '-o', 'beginning', '-e', '-q'])).toBe('create\na\nb\n')
  })

  test('kcat with idempotence stores each record once, in order', async () => {
    const lines = Array.from({ length: 1000 }, (_, index) => `${index}`)

    await kcat(['-P', '-t', 'once', '-p', '0', '-X', 'enable.idempotence=true'], `${lines.join('\n')}\n`)

    const consumed = await kcat(['-C', '-t', 'once', '-p', '0', '-o', 'beginning', '-e', '-q'])
    expect(consumed.trimEnd().split('\n')).toEqual(lines)
  })

  test('kcat reads from an offset, from the end backwards, and from a time, with keys and headers', async () => {
    await kcat(['-P', '-t', 'placed', '-p', '1', '-K', ':', '-H', 'from=test'], 'k1:a\nk2:b\nk3:c\n')
    const read = (offset: string) =>
      kcat(['-C', '-t', 'placed', '-p', '1', '-o', offset, '-e', '-q', '-f', '%o %k=%s %h\n'])

    expect(await read('beginning')).toBe('0 k1=a from=test\n1 k2=b from=test\n2 k3=c from=test\n')
    expect(await read('2')).toBe('2 k3=c from=test\n')
    expect(await read('-1')).toBe('2 k3=c from=test\n')
    expect(await read('s@1')).toBe('0 k1=a from=test\n1 k2=b from=test\n2 k3=c from=test\n')
  })

  function kcat(args: readonly string[], input?: string): Promise<string> {
    return runKcat(broker.bootstrap, args, input)
  }
})
