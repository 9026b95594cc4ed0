import type { ChurnOperation } from '../trial/churn-spec.ts'
import type { Scenario } from '../trial/scenario.ts'

/** Scenarios with something plainer about one operation of the administration each. */
export function* withLessChurn(scenario: Scenario): Generator<Scenario> {
  const churn = scenario.workload.churn ?? []
  for (const [index, operation] of churn.entries()) {
    for (const plainer of plainerOperations(operation)) {
      const changed = churn.map((other, at) => (at === index ? plainer : other))
      yield { ...scenario, workload: { ...scenario.workload, churn: changed } }
    }
  }
}

function* plainerOperations(operation: ChurnOperation): Generator<ChurnOperation> {
  if (operation.atMs > 0) yield { ...operation, atMs: 0 }
  if (operation.atMs > 1) yield { ...operation, atMs: operation.atMs >> 1 }
  if (operation.topic > 0) yield { ...operation, topic: 0 }
  if ('partition' in operation && operation.partition > 0) yield { ...operation, partition: 0 }
  if ('partitions' in operation && operation.partitions > 1) {
    yield { ...operation, partitions: operation.partitions - 1 }
  }
  if (operation.kind === 'create' && operation.replicationFactor > 1) {
    yield { ...operation, replicationFactor: operation.replicationFactor - 1 }
  }
  if (operation.kind === 'reassign' && operation.replicas.length > 1) {
    yield { ...operation, replicas: operation.replicas.slice(0, -1) }
  }
  if (operation.kind === 'write' && operation.records > 1) yield { ...operation, records: 1 }
}
