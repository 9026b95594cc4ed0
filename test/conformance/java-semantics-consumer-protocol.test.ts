import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type ConfigValues,
  KafkaConsumer,
  KafkaProducer,
  SubscriptionPattern,
  stringSerde,
} from '../../src/clients/index.ts'
import { createNodeRuntime } from '../../src/runtime/node/node-runtime.ts'
import type { GroupMemberEvent, GroupMemberOptions } from '../support/group-member.ts'
import { type RealBroker, startRealBroker } from '../support/real-broker.ts'

const MEMBER = join(import.meta.dirname, '../support/group-member.ts')
const PARTITIONS = 4
const runtime = createNodeRuntime({ name: 'client', dataDirectory: tmpdir() })

// Real time, real TCP.
describe('the consumer with the Java client’s semantics and the consumer protocol (KIP-848)', () => {
  let broker: RealBroker
  const consumers: KafkaConsumer<string, string>[] = []

  beforeAll(async () => {
    broker = await startRealBroker({
      'num.partitions': `${PARTITIONS}`,
      'offsets.topic.replication.factor': '1',
      'offsets.topic.num.partitions': '2',
      'group.consumer.heartbeat.interval.ms': '200',
      'group.consumer.min.heartbeat.interval.ms': '200',
      'group.consumer.session.timeout.ms': '2000',
      'group.consumer.min.session.timeout.ms': '2000',
    })
  })

  afterEach(async () => {
    await Promise.all(consumers.splice(0).map(consumer => consumer.close()))
  })

  afterAll(async () => {
    await broker?.stop()
  })

  function consumer(groupId: string, config: ConfigValues = {}): KafkaConsumer<string, string> {
    const made = new KafkaConsumer(
      runtime,
      {
        'bootstrap.servers': broker.bootstrap,
        'group.id': groupId,
        'group.protocol': 'consumer',
        'auto.offset.reset': 'earliest',
        'enable.auto.commit': false,
        ...config,
      },
      { keyDeserializer: stringSerde, valueDeserializer: stringSerde },
    )
    consumers.push(made)
    return made
  }

  /** Sends a value to every partition. */
  async function produce(topic: string, value: string): Promise<void> {
    const producer = new KafkaProducer(
      runtime,
      { 'bootstrap.servers': broker.bootstrap },
      { keySerializer: stringSerde, valueSerializer: stringSerde },
    )
    const sends = Array.from({ length: PARTITIONS }, (_, partition) => ({
      topic,
      partition,
      value: `${value}/${partition}`,
    }))
    await Promise.all(sends.map(record => producer.send(record)))
    await producer.close()
  }

  /** Polls all until something holds, and returns what they read. */
  async function pollUntil(
    polled: readonly KafkaConsumer<string, string>[],
    holds: (values: readonly string[]) => boolean,
  ): Promise<string[]> {
    const values: string[] = []
    for (let left = 300; !holds(values); left--) {
      if (left === 0) throw new Error(`it does not come; read until now: ${values}`)
      const batches = await Promise.all(polled.map(each => each.poll(100)))
      for (const batch of batches) for (const { value } of batch) values.push(`${value}`)
    }
    return values
  }

  const all = (value: string) => Array.from({ length: PARTITIONS }, (_, partition) => `${value}/${partition}`)

  test('two of a group share a topic; one leaves, one goes on, and each record is read once', {
    timeout: 60_000,
  }, async () => {
    await produce('shared', 'first')
    const [one, two] = [consumer('two'), consumer('two')]
    await one.subscribe(['shared'])
    expect((await pollUntil([one], values => values.length === PARTITIONS)).sort()).toEqual(all('first'))
    await one.commitSync()
    await two.subscribe(['shared'])
    await pollUntil([one, two], () => one.assignment().length === 2 && two.assignment().length === 2)
    await produce('shared', 'second')
    expect((await pollUntil([one, two], values => values.length === PARTITIONS)).sort()).toEqual(all('second'))
    await Promise.all([one.commitSync(), two.commitSync()])
    await one.close()
    await produce('shared', 'third')
    expect((await pollUntil([two], values => values.length === PARTITIONS)).sort()).toEqual(all('third'))
    expect(two.assignment()).toHaveLength(PARTITIONS)
  })

  test('goes on after the broker was started again', { timeout: 60_000 }, async () => {
    await produce('restarted', 'before')
    const reader = consumer('restarted')
    await reader.subscribe(['restarted'])
    await pollUntil([reader], values => values.length === PARTITIONS)
    await reader.commitSync()
    await broker.restart()
    await produce('restarted', 'after')
    expect((await pollUntil([reader], values => values.length >= PARTITIONS)).sort()).toEqual(all('after'))
  })

  test('has a pattern looked for by the coordinator', { timeout: 60_000 }, async () => {
    const reader = consumer('pattern')
    await reader.subscribe(new SubscriptionPattern('pattern-.*'))
    await reader.poll(100)
    await produce('pattern-a', 'found')
    expect((await pollUntil([reader], values => values.length === PARTITIONS)).sort()).toEqual(all('found'))
  })

  test('is in one group with an unmodified platformatic consumer', { timeout: 60_000 }, async () => {
    await produce('mixed', 'first')
    const ours = consumer('mixed')
    await ours.subscribe(['mixed'])
    await pollUntil([ours], values => values.length === PARTITIONS)
    await ours.commitSync()
    const theirs = new Member('mixed', 'mixed')
    try {
      await pollUntil([ours], () => ours.assignment().length === 2 && theirs.partitions.length === 2)
      const numbers = [...ours.assignment().map(({ partition }) => partition), ...theirs.partitions]
      expect(numbers.sort()).toEqual([0, 1, 2, 3])
      await produce('mixed', 'second')
      const read = await pollUntil([ours], values => values.length + theirs.valuesOf('second').length === PARTITIONS)
      expect([...read, ...theirs.valuesOf('second')].sort()).toEqual(all('second'))
    } finally {
      await theirs.leave()
    }
    await pollUntil([ours], () => ours.assignment().length === PARTITIONS)
  })

  /** A platformatic consumer, a process of its own. */
  class Member {
    readonly #values: string[] = []
    readonly #process: ChildProcess
    partitions: readonly number[] = []

    constructor(groupId: string, topic: string) {
      const options: GroupMemberOptions = {
        client: 'platformatic',
        groupProtocol: 'consumer',
        bootstrap: broker.bootstrap,
        groupId,
        topic,
        sessionTimeoutMs: 0,
        groupInstanceId: null,
      }
      this.#process = spawn(process.execPath, ['--no-warnings', MEMBER, JSON.stringify(options)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      if (this.#process.stdout === null) throw new Error('the member has no output')
      createInterface({ input: this.#process.stdout }).on('line', line => this.#hear(JSON.parse(line)))
    }

    valuesOf(beginning: string): string[] {
      return this.#values.filter(value => value.startsWith(`${beginning}/`))
    }

    async leave(): Promise<void> {
      const exited = once(this.#process, 'exit')
      this.#process.kill('SIGTERM')
      await exited
    }

    #hear(event: GroupMemberEvent): void {
      if (event.event === 'record') this.#values.push(event.value)
      else this.partitions = event.partitions
    }
  }
})
