import type { StoryEvent } from '../trial/result.ts'
import { type ClusterSpec, MAX_BROKERS, type RoleLayout } from '../trial/scenario.ts'
import { watchEscapes } from '../unmodified/strict.ts'
import type { ScheduleName } from '../world/schedule.ts'
import { World, type WorldStatistics } from '../world/world.ts'
import { Simulation, type SimulationTopic } from './simulation.ts'
import { SimulationError } from './simulation-error.ts'

/** A simulation that has not ended by then does not end: six virtual hours. */
const MAX_VIRTUAL_MS = 21_600_000

export interface SimulationOptions {
  /** Decides latencies, interleavings, what a power loss leaves, and what clients draw. */
  readonly seed: string
  /** Topics that exist when the body begins, at least one; faults that are `on` a leader take those of the first. */
  readonly topics: readonly [SimulationTopic, ...SimulationTopic[]]
  /** 1 to 9; default 3. */
  readonly brokers?: number
  /** Default: 3, or 1 with fewer than three brokers. */
  readonly controllers?: 1 | 3 | 5
  /** Whether the brokers are the controllers too; default `combined`. */
  readonly roles?: RoleLayout
  /** `server.properties` of every node, by Kafka's keys. */
  readonly config?: Readonly<Record<string, string>>
  /** Who runs next when several could; default `random`. */
  readonly schedule?: ScheduleName
  /** Fail when code in the world starts a real asynchronous operation of the host, such as reading a file; default true. */
  readonly strict?: boolean
}

export interface SimulationResult<T> {
  /** What the body returned. */
  readonly value: T
  /** 16 hexadecimal digits; the same options, code and client versions give the same. */
  readonly digest: string
  readonly story: readonly StoryEvent[]
  readonly statistics: WorldStatistics
}

/**
 * Runs your own application, with its own unmodified Kafka client, against a cluster in a simulated world.
 *
 * ```ts
 * await simulate({ seed: '7', topics: [{ name: 'orders', partitions: 3 }] }, async simulation => {
 *   const service = simulation.start('shipping', life => runShipping(new Kafka({ brokers: simulation.bootstrap }), life.signal))
 *   simulation.inject('crash-leader', { at: { ms: 500 }, forMs: 5000 })
 *   await service.redeploy()
 *   await simulation.heal()
 *   await simulation.until('everything is shipped', () => shipped.size === 100)
 * })
 * ```
 *
 * The body runs outside of every machine: it starts applications, injects faults and looks at what they did. It must not
 * make clients itself, nor wait on real time; `sleep` and `until` wait on virtual time.
 *
 * @throws SimulationError when the body throws, an application does, or nothing is left to happen while the body waits
 * @throws RangeError for options that no cluster can have
 */
export async function simulate<T>(
  options: SimulationOptions,
  body: (simulation: Simulation) => Promise<T>,
): Promise<SimulationResult<T>> {
  const spec = specOf(options)
  const { seed, schedule = 'random', strict = true } = options
  const world = new World({ seed, schedule, maxVirtualMs: MAX_VIRTUAL_MS })
  const stopWatching = strict ? watchEscapes(world) : undefined
  let simulation: Simulation | undefined
  try {
    const value = await world.run(async () => {
      simulation = new Simulation(world, spec)
      await simulation.prepare(options.topics)
      simulation.arm()
      return await body(simulation)
    })
    return { value, digest: world.trace.digest(), story: simulation?.story.events ?? [], statistics: world.statistics }
  } catch (error) {
    throw new SimulationError(seed, world.trace.digest(), simulation?.story.events ?? [], error)
  } finally {
    stopWatching?.()
  }
}

function specOf(options: SimulationOptions): ClusterSpec {
  const { brokers = 3, roles = 'combined', config = {}, topics } = options
  if (!Number.isInteger(brokers) || brokers < 1 || brokers > MAX_BROKERS) {
    throw new RangeError(`brokers must be a whole number from 1 to ${MAX_BROKERS}, not ${brokers}`)
  }
  for (const { name, replicationFactor = 1 } of topics) {
    if (replicationFactor > brokers) {
      throw new RangeError(`topic ${name} is to have ${replicationFactor} replicas, and there are ${brokers} brokers`)
    }
  }
  const [{ name, partitions = 1, replicationFactor = Math.min(3, brokers), config: topicConfig = {} }] = topics
  const topic = { name, partitions, replicationFactor, config: topicConfig }
  return { brokers, controllers: options.controllers ?? (brokers < 3 ? 1 : 3), roles, config, topic }
}
