import type { GroupCoordinatorService } from '../coordinator/group/group-coordinator-service.ts'
import { type Metrics, metricName } from '../network/metrics.ts'

const CLASSIC_STATES = ['PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead', 'Empty'] as const
const CONSUMER_STATES = ['Empty', 'Assigning', 'Reconciling', 'Stable', 'Dead'] as const

/**
 * Registers what Kafka's GroupCoordinatorMetrics tell of groups and offsets; the names without a state count classic groups.
 * They are counted when somebody looks: Kafka counts groups once a minute. Rates of commits and rebalances are not there.
 */
export function registerGroupCoordinatorMetrics(
  metrics: Metrics,
  coordinator: Pick<GroupCoordinatorService, 'countGroups' | 'numOffsets'>,
): void {
  const manager = (name: string, value: () => number) =>
    metrics.gauge(metricName('kafka.coordinator.group', 'GroupMetadataManager', name), value)
  const count = (name: string, tags: Readonly<Record<string, string>>, value: () => number) =>
    metrics.gauge(metricName('kafka.server', 'group-coordinator-metrics', name, tags), value)
  manager('NumOffsets', () => coordinator.numOffsets)
  manager('NumGroups', () => coordinator.countGroups('classic'))
  for (const state of CLASSIC_STATES) manager(`NumGroups${state}`, () => coordinator.countGroups('classic', state))
  for (const protocol of ['classic', 'consumer'] as const) {
    count('group-count', { protocol }, () => coordinator.countGroups(protocol))
  }
  for (const state of CONSUMER_STATES) {
    count('consumer-group-count', { state }, () => coordinator.countGroups('consumer', state))
  }
}
