import { atTime } from './describe.ts'
import type { Checker } from './evidence.ts'

/**
 * After all faults have ended every node runs, every partition gets a leader, and all replicas are in sync again in
 * bounded time (`cluster-not-whole`).
 */
export const clusterRecovers: Checker = ({ recovery, healedMs }) => {
  if (recovery.recovered) return []
  const missing = recovery.missing.join('; ')
  return [
    {
      guarantee: 'cluster-recovers',
      kind: 'cluster-not-whole',
      message: `All faults had ended at ${atTime(healedMs)}, but ${recovery.tookMs} ms later ${missing}.`,
    },
  ]
}
