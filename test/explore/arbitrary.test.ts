import { describe, expect, it } from 'vitest'
import { generateScenario, scenarioFromSeed } from '../../harness/explore/arbitrary.ts'
import { DEFAULT_FAULTS, respects } from '../../harness/explore/explore-options.ts'
import { UNLIMITED_RETRIES } from '../../harness/explore/producer-arbitrary.ts'
import { promisedGuarantees } from '../../harness/explore/promised-guarantees.ts'
import { canAnswer } from '../../harness/faults/error-answers.ts'
import type { FaultName, ProducerSpec, Scenario } from '../../harness/trial/scenario.ts'
import { PRODUCER, scenarioOf } from '../checkers/support.ts'

const SEEDS = Array.from({ length: 400 }, (_, trial) => `9-${trial}`)

function scenarios(options: Parameters<typeof scenarioFromSeed>[1] = {}): Scenario[] {
  return SEEDS.map(seed => scenarioFromSeed(seed, options))
}

function producers(options: Parameters<typeof scenarioFromSeed>[1] = {}): ProducerSpec[] {
  return scenarios(options).flatMap(({ workload }) => workload.producers)
}

describe('scenarioFromSeed', () => {
  it.each(['append', 'group'] as const)('draws only errors for answers that can come up (%s)', workload => {
    const ofGroups = new Set<string>()
    for (let trial = 0; trial < 200; trial++) {
      const { cluster, faults } = scenarioFromSeed(`9-${trial}`, { workload, faults: ['error-response'] })
      for (const fault of faults) {
        expect(canAnswer(fault, cluster)).toBe(true)
        if (/^(Offset|Join|Heartbeat|Find)/.test(fault.error ?? '')) ofGroups.add(`${fault.error}`)
      }
    }
    expect(ofGroups.size).toBe(workload === 'group' ? 10 : 0)
  })

  it('keeps the meaning of a seed (a change here breaks every seed that people wrote down)', () => {
    expect(scenarioFromSeed('42-0')).toMatchSnapshot()
    expect(scenarioFromSeed('42-17', { client: 'kafkajs', faults: ['kill', 'power-loss'] })).toMatchSnapshot()
    expect(scenarioFromSeed('x-3', { idempotent: true, require: ['no-busy-timers'] })).toMatchSnapshot()
  })

  it('gives the same scenario for the same seed, and its seed to the world', () => {
    expect(scenarioFromSeed('5-5')).toEqual(scenarioFromSeed('5-5'))
    expect(scenarioFromSeed('5-5')).not.toEqual({ ...scenarioFromSeed('5-6'), seed: '5-5' })
    expect(scenarioFromSeed('5-5').seed).toBe('5-5')
  })

  it('draws every kind of fault but those of applications, or those that are asked for by name', () => {
    const drawn = new Set(scenarios().flatMap(({ faults }) => faults.map(({ kind }) => kind)))
    expect([...drawn].sort()).toEqual([...DEFAULT_FAULTS].sort())

    const asked: FaultName[] = ['power-loss', 'kill']
    const only = new Set(scenarios({ faults: asked }).flatMap(({ faults }) => faults.map(({ kind }) => kind)))
    expect([...only].sort()).toEqual(['kill', 'power-loss'])
  })

  it('arms a different subset of faults and knobs each time', () => {
    const knobs = scenarios().map(({ cluster }) => Object.keys(cluster.config).length)
    expect(Math.min(...knobs)).toBe(0)
    expect(Math.max(...knobs)).toBeGreaterThan(9)
    const kinds = scenarios().map(({ faults }) => new Set(faults.map(({ kind }) => kind)).size)
    expect(new Set(kinds).size).toBeGreaterThan(4)
  })

  it('lets the connections of lost machines go before brokers give up, where there may be few', () => {
    const several = scenarios().filter(({ cluster: { brokers, controllers } }) => brokers + controllers > 2)
    const few = several.filter(({ cluster }) => cluster.config['max.connections'] !== undefined)
    expect(few.length).toBeGreaterThan(20)
    for (const { cluster } of few) expect(Number(cluster.config['connections.max.idle.ms'])).toBeLessThanOrEqual(15_000)
  })

  it('only generates what the clients take', () => {
    for (const { client, compression, idempotent, acks } of producers()) {
      if (client === 'kafkajs') expect(['none', 'gzip']).toContain(compression)
      if (idempotent) expect(acks).toBe(-1)
    }
  })

  it('draws idempotent producers in the way that is sound, unless told otherwise', () => {
    for (const { idempotent, sequential, retries } of producers()) {
      if (idempotent) expect([sequential, retries]).toEqual([true, UNLIMITED_RETRIES])
    }
    const told = producers({ idempotent: true, sequential: false, retries: 3, maxInFlight: 4 })
    for (const { idempotent, sequential, retries, maxInFlight } of told) {
      expect([idempotent, sequential, retries, maxInFlight]).toEqual([true, false, 3, 4])
    }
  })

  it('takes acks as an order: no idempotent producers with acks=1', () => {
    for (const { acks, idempotent } of producers({ acks: 1 })) expect([acks, idempotent]).toEqual([1, false])
  })

  it('puts settings on top of what is drawn, each on its level', () => {
    const set = { 'log.flush.interval.messages': '1', 'segment.ms': '500', 'compression.type': 'zstd' }
    for (const { cluster } of scenarios({ set })) {
      expect(cluster.config['log.flush.interval.messages']).toBe('1')
      expect(cluster.config['compression.type']).toBe('zstd')
      expect(cluster.topic.config['segment.ms']).toBe('500')
    }
  })
})

describe('the memory for requests', () => {
  const keys = ['socket.request.max.bytes', 'queued.max.request.bytes'] as const

  it('is drawn with room for the largest request, or left to whoever sets any of it', () => {
    const [largest, pool] = keys
    const drawn = scenarios().flatMap(({ cluster }) => (largest in cluster.config ? [cluster.config] : []))
    expect(drawn.length).toBeGreaterThan(0)
    for (const config of drawn) expect(Number(config[pool])).toBeGreaterThanOrEqual(Number(config[largest]))

    for (const { cluster } of scenarios({ set: { [pool]: '200000000' } }))
      expect(cluster.config[largest]).toBeUndefined()
  })
})

describe('shrinking', () => {
  it('reaches the smallest scenario: default configuration, no faults, one send of one record', () => {
    const { arbitrary, value } = generateScenario('42-17')
    let smallest = value
    for (;;) {
      const next = arbitrary.shrink(smallest.value, smallest.context).getNthOrLast(0)
      if (next === null) break
      smallest = next
    }

    expect(smallest.value).toMatchObject({
      schedule: 'fifo',
      cluster: { config: {}, topic: { partitions: 1, config: {} } },
      workload: { producers: [{ sequential: true, sends: [{ atMs: 0, partition: 0, records: 1, bytes: 0 }] }] },
      faults: [],
    })
    expect(smallest.value.seed).toBe('42-17')
  })

  it('never changes what the options demand', () => {
    const { arbitrary, value } = generateScenario('42-3', { set: { 'num.io.threads': '3' }, faults: ['kill'], acks: 1 })
    for (const { value: candidate } of arbitrary.shrink(value.value, value.context).take(200)) {
      expect(candidate.cluster.config['num.io.threads']).toBe('3')
      expect(candidate.faults.every(({ kind }) => kind === 'kill')).toBe(true)
      expect(candidate.workload.producers.every(({ acks }) => acks === 1)).toBe(true)
    }
  })
})

describe('what a power loss may take', () => {
  /** What else breaks a disk is not drawn, since no flush helps against it. */
  const SINGLE = { brokers: 1 } as const
  const RARE = ['bit-rot', 'wipe-disk', 'fsync-error']
  const losesPower = ({ faults }: Scenario): boolean =>
    faults.some(({ kind }) => kind === 'power-loss') && !faults.some(({ kind }) => RARE.includes(kind))
  const flushes = ({ cluster }: Scenario): boolean => cluster.config['log.flush.interval.messages'] === '1'

  it('is missed as a loss where every record is flushed, and only then', () => {
    const drawn = scenarios(SINGLE).filter(losesPower)
    expect(drawn.some(flushes)).toBe(true)
    expect(drawn.every(flushes)).toBe(false)
    for (const scenario of drawn) {
      const { guarantees } = scenario
      expect(guarantees.includes('no-loss')).toBe(flushes(scenario))
      expect(guarantees.includes('stable-offsets')).toBe(flushes(scenario))
      expect(guarantees.includes('no-unexplained-loss')).toBe(!flushes(scenario))
    }
  })

  it('is missed whatever is flushed when power-loss is asked for by name, and nothing is set on top', () => {
    const drawn = scenarios({ ...SINGLE, faults: ['power-loss'] }).filter(losesPower)
    expect(drawn.every(flushes)).toBe(false)
    for (const { guarantees } of drawn) expect(guarantees).toContain('no-loss')
  })

  it('is not missed any more when shrinking takes the flush away', () => {
    const scenario = scenarios(SINGLE).find(candidate => losesPower(candidate) && flushes(candidate)) as Scenario
    const unflushed: Scenario = { ...scenario, cluster: { ...scenario.cluster, config: {} } }

    expect(respects({}, scenario)).toBe(true)
    expect(respects({}, unflushed)).toBe(false)
    expect(respects({}, { ...unflushed, faults: [] })).toBe(true)
    const lost = { ...unflushed, guarantees: scenario.guarantees.filter(name => name !== 'committed-stays') }
    expect(respects({ faults: ['power-loss'] }, lost)).toBe(true)
  })
})

describe('promisedGuarantees', () => {
  const plain: ProducerSpec = { ...PRODUCER, idempotent: false, sequential: false }
  const idempotent: ProducerSpec = { ...PRODUCER, idempotent: true, sequential: false }
  const sequential: ProducerSpec = { ...PRODUCER, idempotent: false, sequential: true }

  it('promises no duplicates only when every producer is idempotent', () => {
    expect(promisedGuarantees(scenarioOf([idempotent, idempotent]))).toContain('no-duplicates')
    expect(promisedGuarantees(scenarioOf([idempotent, sequential]))).not.toContain('no-duplicates')
  })

  it("promises neither where the Java client's producer may meet batches that are refused as too large", () => {
    const java: ProducerSpec = { ...idempotent, client: 'java-semantics', sequential: false }
    const small = { ...scenarioOf([java]).cluster, config: { 'message.max.bytes': '2000' } }
    expect(promisedGuarantees(scenarioOf([java]))).toEqual(expect.arrayContaining(['no-duplicates', 'order']))
    expect(promisedGuarantees({ ...scenarioOf([java]), cluster: small })).not.toContain('no-duplicates')
    expect(promisedGuarantees({ ...scenarioOf([java]), cluster: small })).not.toContain('order')
    expect(promisedGuarantees({ ...scenarioOf([idempotent]), cluster: small })).toContain('no-duplicates')
  })

  it('promises order only when every producer is sequential or idempotent', () => {
    expect(promisedGuarantees(scenarioOf([idempotent, sequential]))).toContain('order')
    expect(promisedGuarantees(scenarioOf([idempotent, plain]))).not.toContain('order')
  })

  it("judges the clients' conduct only when asked to, and anything else that is asked for", () => {
    expect(promisedGuarantees(scenarioOf([idempotent]))).not.toContain('no-busy-timers')
    expect(promisedGuarantees(scenarioOf([plain]), { require: ['order', 'no-busy-timers'] })).toEqual(
      expect.arrayContaining(['order', 'no-busy-timers', 'no-loss']),
    )
  })
})
