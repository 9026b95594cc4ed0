import { type ClientName, type Fault, runTrial, type Scenario, scenarioFromSeed, trialSeed } from '../harness/index.ts'
import { realMilliseconds } from '../harness/world/drain.ts'

const FAULTS: readonly Fault[] = [
  { kind: 'disconnect', at: { ms: 300 }, forMs: 0 },
  { kind: 'kill', at: { ms: 700 }, forMs: 200 },
  { kind: 'slow-link', at: { ms: 1200 }, forMs: 500, amount: 20 },
]

/** As generated trials have them: a dead broker counts as dead after two seconds. */
const TIMEOUTS = {
  'broker.session.timeout.ms': '2000',
  'broker.heartbeat.interval.ms': '400',
  'replica.lag.time.max.ms': '2000',
}

/** 50 records, 3 faults; as many controllers and copies as brokers. */
function smallScenario(client: ClientName, brokers: 1 | 3, seed: number): Scenario {
  const sends = Array.from({ length: 50 }, (_, index) => ({
    atMs: index * 40,
    partition: index,
    records: 1,
    bytes: 100,
  }))
  return {
    format: 2,
    seed: `small-${seed}`,
    schedule: 'random',
    cluster: {
      brokers,
      controllers: brokers,
      roles: 'combined',
      config: brokers === 1 ? {} : TIMEOUTS,
      topic: { name: 'records', partitions: 3, replicationFactor: brokers, config: {} },
    },
    workload: {
      kind: 'append',
      producers: [
        {
          client,
          acks: -1,
          idempotent: false,
          maxInFlight: null,
          retries: 5,
          requestTimeoutMs: 3000,
          compression: 'none',
          sequential: false,
          renewAfterError: false,
          sends,
        },
      ],
    },
    faults: FAULTS,
    guarantees: ['no-loss', 'no-phantoms', 'stable-offsets', 'well-formed-log', 'every-send-settles', 'recovers'],
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Median wall milliseconds of a small trial, after a warm-up. */
export async function smallTrial(client: ClientName, brokers: 1 | 3, runs: number): Promise<number> {
  const wallMs: number[] = []
  for (let run = 0; run < runs * 2; run++) {
    const result = await runTrial(smallScenario(client, brokers, run))
    if (result.failure !== undefined || result.violations.length > 0) throw new Error(`small trial ${run} is not clean`)
    if (run >= runs) wallMs.push(result.statistics.wallMs)
  }
  return median(wallMs)
}

/** Median wall milliseconds of a drawn trial of `explore`, and the virtual over the wall time of all. */
export async function drawnTrials(runs: number): Promise<{ readonly medianMs: number; readonly speedUp: number }> {
  const wallMs: number[] = []
  let virtualMs = 0
  for (let run = 0; run < runs; run++) {
    const { statistics } = await runTrial(scenarioFromSeed(trialSeed('bench', run)))
    wallMs.push(statistics.wallMs)
    virtualMs += statistics.virtualMs
  }
  return { medianMs: median(wallMs), speedUp: virtualMs / wallMs.reduce((sum, ms) => sum + ms, 0) }
}

/** Share of the real processor time of small trials that the application and its client use, the rest being brokers, network and harness. */
export async function clientShare(client: ClientName, runs: number): Promise<number> {
  let inClients = 0
  let total = 0
  for (let run = 0; run < runs * 2; run++) {
    let lastMs = realMilliseconds()
    let isClient = false
    const result = await runTrial(smallScenario(client, 3, run), {
      onEvent: lane => {
        const nowMs = realMilliseconds()
        if (run >= runs) {
          total += nowMs - lastMs
          if (isClient) inClients += nowMs - lastMs
        }
        lastMs = nowMs
        isClient = lane.name.startsWith('app-') || lane.process?.host.name.startsWith('app-') === true
      },
    })
    if (result.failure !== undefined) throw new Error(`small trial ${run} failed: ${result.failure.message}`)
  }
  return inClients / total
}
