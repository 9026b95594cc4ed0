import { counted } from './describe.ts'
import type { Checker, Violation } from './evidence.ts'

/**
 * Queues stay within their bounds (`queue-over-bound`) and lose nothing: every request that was received is answered,
 * or its connection or broker went away first (`request-unaccounted`). A producer that has nothing to send has all of its
 * `buffer.memory` again (`memory-not-given-back`).
 */
export const boundedQueues: Checker = ({ queues, requests, conduct }) => {
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
  for (const { producer, heldBytes = 0 } of conduct) {
    if (heldBytes === 0) continue
    violations.push({
      guarantee: 'bounded-queues',
      kind: 'memory-not-given-back',
      message: `All sends of producer ${producer} have settled and no request is under way, but ${heldBytes} bytes of its buffer.memory are still taken.`,
    })
  }
  return violations
}
