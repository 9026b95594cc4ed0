/**
 * A process that runs trials. Unmodified client libraries live in the world here, so this process makes the world's
 * functions stand behind Node's before anything else loads.
 */

import { installUnmodified } from '../unmodified/install.ts'
import type { TraceEntry } from '../world/trace.ts'
import type { Answers, Order, WorkerMessage } from './orders.ts'
import { nowMs, rssBytes, writeText } from './real-host.ts'

installUnmodified()
const { replayScenario, runChecked, shrinkFinding } = await import('./jobs.ts')
const { runTrial } = await import('../trial/run-trial.ts')

async function carryOut(order: Order): Promise<Answers[Order['type']]> {
  if (order.type === 'trial') return await runChecked(runTrial, order, order.twice)
  if (order.type === 'shrink') {
    return await shrinkFinding(runTrial, order.source, order.finding, { ...order.limits, nowMs })
  }
  const { traceFile } = order
  return await replayScenario(runTrial, order.source, {
    ...(order.untilMs === undefined ? {} : { untilMs: order.untilMs }),
    ...(traceFile === undefined ? {} : { onTrace: trace => writeText(traceFile, jsonLines(trace)) }),
  })
}

function jsonLines(trace: readonly TraceEntry[]): string {
  return trace.map(entry => `${JSON.stringify(entry)}\n`).join('')
}

function answer(message: WorkerMessage): void {
  process.send?.(message)
}

process.on('message', (order: Order) => {
  carryOut(order).then(
    result => answer({ ok: true, answer: result, rssBytes: rssBytes() }),
    (error: unknown) => {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
      answer({ ok: false, message, rssBytes: rssBytes() })
    },
  )
})
process.on('disconnect', () => process.exit())
// A terminal interrupts every process of the command; the one that gives the orders decides when to end.
process.on('SIGINT', () => undefined)
