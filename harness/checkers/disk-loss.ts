import type { Evidence } from './evidence.ts'

const FLUSH_INTERVAL_KEYS = { topic: 'flush.messages', broker: 'log.flush.interval.messages' } as const

/**
 * What the damage to a node's disk can have taken of its logs: `unflushed`, only what no flush had returned for, where every
 * append is flushed; `anything`, more than Kafka promises to keep in one copy.
 */
export type DiskLoss = 'nothing' | 'unflushed' | 'anything'

/** What the node's disk can have lost before `ms`. */
export function diskLoss(
  { damage, scenario }: Pick<Evidence, 'damage' | 'scenario'>,
  node: number,
  ms: number,
): DiskLoss {
  const { topic, config } = scenario.cluster
  const interval = topic.config[FLUSH_INTERVAL_KEYS.topic] ?? config[FLUSH_INTERVAL_KEYS.broker]
  const hits = damage.filter(hit => hit.node === node && hit.ms <= ms)
  if (hits.length === 0) return 'nothing'
  return interval === '1' && hits.every(({ kind }) => kind === 'power-loss') ? 'unflushed' : 'anything'
}
