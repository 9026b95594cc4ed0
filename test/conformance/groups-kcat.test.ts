import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runKcat } from '../support/kcat.ts'
import { type RealBroker, startRealBroker } from '../support/real-broker.ts'

const hasKcat = spawnSync('kcat', ['-V']).status === 0

// librdkafka brings its own assignors, its own order of requests, and cooperative rebalancing.
describe.skipIf(!hasKcat)('kcat -G', () => {
  let broker: RealBroker

  beforeAll(async () => {
    broker = await startRealBroker({
      'num.partitions': '2',
      'offsets.topic.replication.factor': '1',
      'offsets.topic.num.partitions': '4',
      'group.initial.rebalance.delay.ms': '0',
    })
  })

  afterAll(async () => {
    await broker?.stop()
  })

  test.each(['range', 'roundrobin', 'cooperative-sticky'])(
    'joins with assignor %s and goes on where it was',
    async assignor => {
      const topic = `assigned-by-${assignor}`
      const read = () => kcat([...groupOptions(assignor), topic])
      await kcat(['-P', '-t', topic, '-p', '0'], 'a\nb\n')
      await kcat(['-P', '-t', topic, '-p', '1'], 'c\n')

      const first = lines(await read())
      await kcat(['-P', '-t', topic, '-p', '1'], 'd\n')
      const second = lines(await read())

      expect(first).toEqual(['a', 'b', 'c'])
      expect(second).toEqual(['d'])
    },
  )

  test('a static member comes back under its old name', async () => {
    await kcat(['-P', '-t', 'static', '-p', '0'], 'a\n')
    const read = () => kcat([...groupOptions('range'), '-X', 'group.instance.id=one', 'static'])

    const first = lines(await read())
    await kcat(['-P', '-t', 'static', '-p', '0'], 'b\n')
    const second = lines(await read())

    expect([first, second]).toEqual([['a'], ['b']])
  })

  /** Ends at the end of all partitions. */
  function groupOptions(assignor: string): string[] {
    const settings = [
      `partition.assignment.strategy=${assignor}`,
      'auto.offset.reset=earliest',
      'session.timeout.ms=6000',
    ]
    return ['-q', '-e', ...settings.flatMap(setting => ['-X', setting]), '-G', `group-of-${assignor}`]
  }

  function kcat(args: readonly string[], input?: string): Promise<string> {
    return runKcat(broker.bootstrap, args, input)
  }
})

function lines(output: string): string[] {
  return output.trimEnd().split('\n').sort()
}
