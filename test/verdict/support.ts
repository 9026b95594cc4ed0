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
