import { readFile } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { TrialOptions, TrialResult } from '../../harness/trial/result.ts'
import { runTrial, runTrialWith } from '../../harness/trial/run-trial.ts'
import type { ClientName, Fault, Scenario } from '../../harness/trial/scenario.ts'
import type { CreateClient } from '../../harness/workloads/clients/load.ts'
import { WorldError, type WorldErrorCode } from '../../harness/world/errors.ts'
import { NetworkClient } from '../../src/network/network-client.ts'
import { DeleteTopics } from '../../src/protocol/apis/delete-topics.ts'
import { PRODUCER, scenarioOf } from '../checkers/support.ts'
import { clientThat, createRawClient, type Surroundings } from './raw-client.ts'

const SCENARIO: Scenario = scenarioOf(
  [{ ...PRODUCER, sends: [0, 100, 200].map(atMs => ({ atMs, partition: 0, records: 1, bytes: 20 })) }],
  [
    'no-loss',
    'no-phantoms',
    'no-duplicates',
    'order',
    'stable-offsets',
    'well-formed-log',
    'every-send-settles',
    'bounded-queues',
    'recovers',
  ],
)

function withFaults(...faults: readonly Fault[]): Scenario {
  return { ...SCENARIO, faults }
}

function run(client: CreateClient, scenario: Scenario = SCENARIO, options: TrialOptions = {}): Promise<TrialResult> {
  const producers = new Map<ClientName, CreateClient>([['kafkajs', client]])
  return runTrialWith({ producers, consumers: new Map() }, scenario, options)
}

function runHarmful(
  does: (where: Surroundings) => Promise<void> | void,
  options: TrialOptions = {},
): Promise<TrialResult> {
  return run(clientThat(does), SCENARIO, options)
}

function throwInBroker({ world }: Surroundings): void {
  const [process] = world.hosts.get('broker-1')?.processes ?? []
  process?.threads.start('buggy', () => Promise.reject(new Error('out of luck')))
}

describe('a trial in which nothing goes wrong', () => {
  it('has no failure and no violation, and tells what happened', async () => {
    const result = await run(createRawClient)

    expect(result.failure).toBeUndefined()
    expect(result.violations).toEqual([])
    expect(result.probes.get('send-acknowledged')).toBe(4)
    expect(result.story.map(({ who, text }) => `${who}: ${text}`)).toEqual(
      expect.arrayContaining([
        'broker-1: is running',
        'producer-0: p0-s2-r0 is acknowledged at offset 2',
        'trial: all faults end',
        'producer-0: p0-s1000000-r0 is acknowledged at offset 3',
        'broker-1: is shut down',
      ]),
    )
    expect(result.statistics.virtualMs).toBeGreaterThan(700)
  })

  it('counts the faults that hit something', async () => {
    const { failure, violations, faults } = await run(
      createRawClient,
      withFaults({ kind: 'restart', at: { ms: 50 }, forMs: 100 }, { kind: 'kill', at: { ms: 100_000 }, forMs: 10 }),
    )

    expect({ failure, violations }).toEqual({ failure: undefined, violations: [] })
    expect([...faults]).toEqual([
      ['restart', 1],
      ['kill', 1],
    ])
  })

  it('gives the same digest whatever of its trace is kept', async () => {
    const [digest, compact, full] = [
      await run(createRawClient, SCENARIO, { trace: 'digest' }),
      await run(createRawClient, SCENARIO, { trace: 'compact' }),
      await run(createRawClient, SCENARIO, { trace: 'full' }),
    ]

    expect(compact.digest).toBe(digest.digest)
    expect(full.digest).toBe(digest.digest)
    expect(digest.trace).toEqual([])
    expect(full.trace.length).toBeGreaterThan(100)
    expect(full.trace).toContainEqual(expect.objectContaining({ kind: 'note', detail: 'trial: all faults end' }))
  })

  it('judges only the guarantees that the scenario asks for', async () => {
    const forgetful: CreateClient = options => ({ ...createRawClient(options), send: async () => 0 })

    const judged = await run(forgetful)
    const unjudged = await run(forgetful, { ...SCENARIO, guarantees: [] })

    expect(judged.violations.map(({ kind }) => kind)).toContain('acked-record-missing')
    expect(unjudged.violations).toEqual([])
    expect(unjudged.digest).toBe(judged.digest)
  })

  it('can be stopped at a virtual time, and leaves what happened until then', async () => {
    const whole = await run(createRawClient)
    const until = await run(createRawClient, SCENARIO, { untilMs: 150 })

    expect(until.failure).toBeUndefined()
    expect(until.violations).toEqual([])
    expect(until.statistics.virtualMs).toBeLessThanOrEqual(150)
    expect(until.story).toEqual(whole.story.filter(({ ms }) => ms <= 150))
    expect(until.story.length).toBeGreaterThan(2)
  })

  it('can be stopped before anything happened', async () => {
    const { failure, story } = await run(createRawClient, SCENARIO, { untilMs: 0 })

    expect(failure).toBeUndefined()
    expect(story).toEqual([])
  })

  it('runs the real library that the scenario names', async () => {
    const { failure, violations, probes } = await runTrial(SCENARIO)

    expect({ failure, violations }).toEqual({ failure: undefined, violations: [] })
    expect(probes.get('send-acknowledged')).toBe(4)
  })
})

describe('a trial that fails', () => {
  it('by a crash of the broker says in which thread and with which error', async () => {
    const { failure, violations } = await runHarmful(throwInBroker)

    expect(failure?.kind).toBe('crash')
    expect(failure?.message).toMatch(/^broker-1 crashed in thread buggy: Error: out of luck\n {4}at /)
    expect(violations).toEqual([])
  })

  it('by a crash of the broker does so although a fault starts the broker again', async () => {
    const client = clientThat(throwInBroker)

    const { failure } = await run(client, withFaults({ kind: 'full-disk', at: { ms: 50 }, forMs: 100 }))

    expect(failure).toMatchObject({ kind: 'crash', message: expect.stringContaining('out of luck') })
  })

  it('by a crash of the broker after the healing does not wait for what can never come', async () => {
    const client = clientThat(async where => {
      await where.world.sleep(5000)
      throwInBroker(where)
    })

    const { failure, statistics } = await run(client)

    expect(failure?.kind).toBe('crash')
    expect(statistics.virtualMs).toBeLessThan(10_000)
  })

  it.each([
    [
      'a timer',
      ({ process }: Surroundings) =>
        void process.timers.after(1, () => {
          throw new Error('oops')
        }),
    ],
    ['a promise that nobody awaits', () => void Promise.reject(new Error('oops'))],
  ])('by an error of an application in %s says with which', async (_, does) => {
    const { failure, violations } = await runHarmful(does)

    expect(failure?.kind).toBe('crash')
    expect(failure?.message).toMatch(/nobody handled Error: oops\nError: oops\n/)
    expect(violations).toEqual([])
  })

  it('by a defect of the harness says so, with the stack', async () => {
    const { failure } = await run(() => {
      throw new TypeError('no such client')
    })

    expect(failure?.kind).toBe('internal')
    expect(failure?.message).toMatch(/^the harness failed\nTypeError: no such client\n {4}at /)
  })

  it('because its topic cannot be made says why', async () => {
    const { cluster } = SCENARIO
    const topic = { ...cluster.topic, config: { 'retention.ms': 'for ever' } }

    const { failure } = await run(createRawClient, { ...SCENARIO, cluster: { ...cluster, topic } })

    expect(failure).toMatchObject({ kind: 'internal', message: expect.stringContaining('INVALID_CONFIG') })
  })

  it('because its topic is gone lacks liveness', async () => {
    const { failure } = await runHarmful(async ({ process }) => {
      const client = new NetworkClient(process, { host: 'broker-1', port: 9092, clientId: 'vandal' })
      await client.connect()
      await client.send(DeleteTopics, 5, { topicNames: ['records'], timeoutMs: 1000 })
    })

    expect(failure).toMatchObject({
      kind: 'liveness',
      message: expect.stringContaining('records-0 does not exist'),
    })
  })

  it.each([
    ['DEADLOCK', 'deadlock'],
    ['TIME_LIMIT', 'liveness'],
    ['EVENT_LIMIT', 'liveness'],
    ['ESCAPE', 'escape'],
    ['UNCAUGHT', 'crash'],
    ['ALREADY_RUNNING', 'internal'],
  ] as const)('with %s of the world is a matter of %s', async (code: WorldErrorCode, kind) => {
    const { failure } = await runHarmful(({ world }) => world.fail(new WorldError(code, 1, 'on purpose')))

    expect(failure).toMatchObject({ kind, message: expect.stringContaining('at 1.000 ms: on purpose') })
  })

  it('leaves the next one as it was', async () => {
    const before = await run(createRawClient)
    await runHarmful(throwInBroker)

    const after = await run(createRawClient)

    expect(after.digest).toBe(before.digest)
  })
})

describe('a trial whose client touches the real machine', () => {
  const touch = (): void => readFile(import.meta.filename, () => undefined)

  it('fails in strict mode, and names the function', async () => {
    const { failure } = await runHarmful(touch, { strict: true })

    expect(failure).toMatchObject({ kind: 'escape', message: expect.stringContaining('readFile') })
  })

  it('goes on otherwise', async () => {
    expect((await runHarmful(touch)).failure).toBeUndefined()
  })
})

describe('a send that never settles', () => {
  it('is a violation, found in bounded time, and keeps nobody from judging the rest', async () => {
    const client: CreateClient = options => ({ ...createRawClient(options), send: () => new Promise(() => undefined) })

    const { failure, violations, statistics } = await run(client)

    expect(failure).toBeUndefined()
    expect(violations.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['send-never-settles', 'producer-does-not-recover']),
    )
    expect(statistics.virtualMs).toBeLessThan(1_300_000)
  })
})
