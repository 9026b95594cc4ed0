import fc from 'fast-check'
import type { ChurnOperation } from '../trial/churn-spec.ts'
import type { Scenario } from '../trial/scenario.ts'
import type { ExploreOptions } from './explore-options.ts'
import { CHAOS_WINDOW_MS } from './fault-arbitrary.ts'
import { promisedGuarantees } from './promised-guarantees.ts'

const MAX_TOPICS = 3
const MAX_STEPS = 8
const MAX_PARTITIONS = 4
const MAX_RECORDS = 5
const MAX_OFFSET = 6
const MAX_GAP_MS = 2500

/** Topics of nobody's must not come back because a writer asks for them; what is deleted goes soon. */
const CHURN_CONFIG: Readonly<Record<string, string>> = {
  'auto.create.topics.enable': 'false',
  'log.segment.delete.delay.ms': '1000',
}

/** Values that change what a topic does and take no record away. */
const SETTINGS = [
  ['max.message.bytes', '2000000'],
  ['max.message.bytes', '900000'],
  ['segment.bytes', '1048576'],
  ['flush.messages', '1'],
  ['retention.ms', '86400000'],
] as const

type Unplaced<O> = O extends unknown ? Omit<O, 'atMs' | 'topic'> : never
type Step = Unplaced<ChurnOperation>

interface TopicLife {
  readonly startMs: number
  readonly create: Step
  readonly steps: readonly { readonly gapMs: number; readonly step: Step }[]
}

function createArbitrary(brokers: number): fc.Arbitrary<Step> {
  return fc.record({
    kind: fc.constant('create' as const),
    partitions: fc.integer({ min: 1, max: MAX_PARTITIONS - 1 }),
    replicationFactor: fc.integer({ min: 1, max: brokers }),
  })
}

/** Now and then something that has to be refused: fewer partitions, a topic that is there, one that is not. */
function stepArbitrary(brokers: number): fc.Arbitrary<Step> {
  const partition = fc.nat(MAX_PARTITIONS - 1)
  const places = Array.from({ length: brokers }, (_, place) => place)
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('write' as const),
        partition: fc.nat(1),
        records: fc.integer({ min: 1, max: MAX_RECORDS }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('expand' as const),
        partitions: fc.integer({ min: 2, max: MAX_PARTITIONS }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const) }) },
    { weight: 2, arbitrary: createArbitrary(brokers) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('reassign' as const),
        partition,
        replicas: fc.shuffledSubarray(places, { minLength: 1 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...SETTINGS).map(([key, value]) => ({ kind: 'configure' as const, key, value })),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('delete-records' as const),
        partition: fc.nat(1),
        offset: fc.oneof(fc.constant(-1), fc.nat(MAX_OFFSET)),
      }),
    },
  )
}

function lifeArbitrary(brokers: number): fc.Arbitrary<TopicLife> {
  return fc.record({
    startMs: fc.nat(CHAOS_WINDOW_MS / 2),
    create: createArbitrary(brokers),
    steps: fc.array(fc.record({ gapMs: fc.nat(MAX_GAP_MS), step: stepArbitrary(brokers) }), {
      minLength: 1,
      maxLength: MAX_STEPS,
      size: 'max',
    }),
  })
}

/** Adds an administrator to scenarios, and an application that writes to his topics. */
export function withChurn(scenarios: fc.Arbitrary<Scenario>, options: ExploreOptions): fc.Arbitrary<Scenario> {
  return scenarios.chain(scenario => {
    const { workload, cluster: drawn, faults, ...rest } = scenario
    const cluster = { ...drawn, config: { ...CHURN_CONFIG, ...drawn.config } }
    return fc.array(lifeArbitrary(cluster.brokers), { minLength: 1, maxLength: MAX_TOPICS }).map(lives => {
      const churn = lives.flatMap(operationsOf).sort((a, b) => a.atMs - b.atMs)
      const changed = { cluster, workload: { ...workload, churn }, faults }
      return { ...rest, ...changed, format: 4, guarantees: promisedGuarantees(changed, options) }
    })
  })
}

function operationsOf({ startMs, create, steps }: TopicLife, topic: number): ChurnOperation[] {
  const operations: ChurnOperation[] = [{ ...create, atMs: startMs, topic }]
  let atMs = startMs
  for (const { gapMs, step } of steps) {
    atMs += gapMs
    operations.push({ ...step, atMs, topic })
  }
  return operations
}
