import { type RunTrial, runChecked, shrinkFinding } from '../../harness/explore/jobs.ts'
import type { Answers, Order } from '../../harness/explore/orders.ts'
import { WorkerError, type Workforce } from '../../harness/explore/worker-pool.ts'
import type { VerdictPlan } from '../../harness/verdict/plan.ts'
import { type Question, understand } from '../../harness/verdict/question.ts'

/** What every `server.properties` needs. */
export const NODE: ReadonlyMap<string, string> = new Map([
  ['process.roles', 'broker,controller'],
  ['node.id', '1'],
  ['listeners', 'PLAINTEXT://broker-1:9092,CONTROLLER://broker-1:9093'],
  ['controller.listener.names', 'CONTROLLER'],
  ['controller.quorum.voters', '1@broker-1:9093'],
])

/** A plan for a question, under all that may go wrong by default. */
export function planFor(question: Question = {}, change: Partial<VerdictPlan> = {}): VerdictPlan {
  const { configuration } = understand(question, NODE)
  return { configuration, models: ['process-crash', 'partition'], atOnce: 3, powerLosses: 1, ...change }
}

/** Carries out orders in this process, `size` at a time. */
export class LocalWorkforce implements Workforce {
  readonly size: number
  readonly rssMaxBytes = 1000
  readonly orders: Order[] = []
  readonly #run: RunTrial

  constructor(run: RunTrial, size = 2) {
    this.#run = run
    this.size = size
  }

  async ask<O extends Order>(order: O): Promise<Answers[O['type']]> {
    this.orders.push(order)
    return (await this.#carryOut(order)) as Answers[O['type']]
  }

  close(): void {}

  #carryOut(order: Order): Promise<unknown> {
    if (order.type === 'trial') return runChecked(this.#run, order, order.twice)
    if (order.type === 'shrink') {
      return shrinkFinding(this.#run, order.source, order.finding, { maxTrials: 60, ...order.limits, nowMs: () => 0 })
    }
    return Promise.reject(new WorkerError('not here'))
  }
}
