import { type RunTrial, runChecked, shrinkFinding } from '../../harness/explore/jobs.ts'
import type { Answers, Order } from '../../harness/explore/orders.ts'
import { WorkerError, type Workforce } from '../../harness/explore/worker-pool.ts'

/** Unless an order says how far to go. */
const MAX_SHRINK_TRIALS = 100

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
      const limits = { maxTrials: MAX_SHRINK_TRIALS, ...order.limits, nowMs: () => 0 }
      return shrinkFinding(this.#run, order.source, order.finding, limits)
    }
    return Promise.reject(new WorkerError('not here'))
  }
}
