import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Admin, Producer, stringSerializers } from '@platformatic/kafka'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { GroupMemberEvent, GroupMemberOptions } from '../support/group-member.ts'
import { type RealBroker, startRealBroker } from '../support/real-broker.ts'

// Unmodified @platformatic/kafka consumers that speak the consumer protocol (KIP-848), each a process of its own.
const TOPIC = 'shared'
const GROUP = 'consumers'
const PARTITIONS = 6
const ALL_PARTITIONS = Array.from({ length: PARTITIONS }, (_, partition) => partition)
const MEMBER = join(import.meta.dirname, '../support/group-member.ts')

let broker: RealBroker
const members: Member[] = []

beforeAll(async () => {
  broker = await startRealBroker({
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'group.consumer.heartbeat.interval.ms': '200',
    'group.consumer.min.heartbeat.interval.ms': '200',
    'group.consumer.session.timeout.ms': '2000',
    'group.consumer.min.session.timeout.ms': '2000',
  })
  const admin = new Admin({ clientId: 'admin', bootstrapBrokers: [broker.bootstrap] })
  await admin.createTopics({ topics: [TOPIC], partitions: PARTITIONS, replicas: 1 })
  await admin.close()
})

afterEach(async () => {
  await Promise.all(members.splice(0).map(member => member.kill()))
})

afterAll(async () => {
  await broker.stop()
})

test('three members share the partitions; when one leaves and one is killed nothing is lost', {
  timeout: 90_000,
}, async () => {
  const [first, second, third] = [new Member(), new Member(), new Member()]
  const shares = (...of: readonly Member[]) => of.map(({ partitions }) => partitions.length)
  const covers = (...of: readonly Member[]) => of.flatMap(({ partitions }) => partitions).sort()
  await until(() => shares(first, second, third).every(share => share === 2))
  expect(covers(first, second, third)).toEqual(ALL_PARTITIONS)
  await send('all three')
  await until(() => valuesRead('all three').size === PARTITIONS)
  expect(await listed()).toMatchObject({ id: GROUP, groupType: 'consumer' })

  await first.leave()
  await send('while one leaves')
  await until(() => shares(second, third).every(share => share === 3))
  expect(covers(second, third)).toEqual(ALL_PARTITIONS)
  await until(() => valuesRead('while one leaves').size === PARTITIONS)

  await second.kill()
  await send('while one is dead')
  await until(() => shares(third)[0] === PARTITIONS)
  await until(() => valuesRead('while one is dead').size === PARTITIONS)
})

/** A process that is a member of the group. */
class Member {
  readonly values: string[] = []
  partitions: readonly number[] = []
  readonly #process: ChildProcess

  constructor() {
    const options: GroupMemberOptions = {
      client: 'platformatic',
      groupProtocol: 'consumer',
      bootstrap: broker.bootstrap,
      groupId: GROUP,
      topic: TOPIC,
      sessionTimeoutMs: 0,
      groupInstanceId: null,
    }
    this.#process = spawn(process.execPath, ['--no-warnings', MEMBER, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    if (this.#process.stdout === null) throw new Error('the member has no output')
    createInterface({ input: this.#process.stdout }).on('line', line => this.#hear(JSON.parse(line)))
    members.push(this)
  }

  /** It is gone at once and leaves nobody word. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  leave(): Promise<void> {
    return this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.kill(signal)
    await exited
  }

  #hear(event: GroupMemberEvent): void {
    if (event.event === 'record') this.values.push(event.value)
    else this.partitions = event.partitions
  }
}

/** What members have read, each once: records are read at least once. */
function valuesRead(beginning: string): ReadonlySet<string> {
  return new Set(members.flatMap(({ values }) => values).filter(value => value.startsWith(`${beginning}/`)))
}

/** Sends a value to every partition, whose number it ends with. */
async function send(value: string): Promise<void> {
  const producer = new Producer({
    clientId: 'producer',
    bootstrapBrokers: [broker.bootstrap],
    serializers: stringSerializers,
  })
  const messages = ALL_PARTITIONS.map(partition => ({ topic: TOPIC, partition, value: `${value}/${partition}` }))
  await producer.send({ messages, acks: -1 })
  await producer.close()
}

async function listed(): Promise<unknown> {
  const admin = new Admin({ clientId: 'admin', bootstrapBrokers: [broker.bootstrap] })
  const groups = await admin.listGroups({ types: ['consumer'] })
  await admin.close()
  return groups.get(GROUP)
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600 && !condition(); tries += 1) await new Promise(resolve => setTimeout(resolve, 50))
  expect(condition()).toBe(true)
}
