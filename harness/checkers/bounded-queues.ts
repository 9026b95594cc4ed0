import { counted } from './describe.ts'
import type { Checker, Violation } from './evidence.ts'

/**
 * Queues stay within their bounds (`queue-over-bound`) and lose nothing: every request that was received is answered,
 * or its connection or broker went away first (`request-unaccounted`).
 */
export const boundedQueues: Checker = ({ queues, requests }) => {
  const violations: Violation[] = []
  for (const { node, name, bound, most } of queues) {
    if (most <= bound) continue
    violations.push({
      guarantee: 'bounded-queues',
      kind: 'queue-over-bound',
      message: `${name} of node ${node} is bounded at ${bound}, but held ${most}.`,
    })
  }
  for (const { node, received, answered, abandoned } of requests) {
    if (received === answered + abandoned) continue
    violations.push({
      guarantee: 'bounded-queues',
      kind: 'request-unaccounted',
      message: `Node ${node} received ${counted(received, 'request')}, but ${answered} were answered and ${abandoned} given up with their connection or node: ${Math.abs(received - answered - abandoned)} ${received > answered + abandoned ? 'are missing' : 'too many'}.`,
    })
  }
  return violations
}
