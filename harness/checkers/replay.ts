import { diskLoss } from './disk-loss.ts'
import type { Evidence } from './evidence.ts'
import { PartitionReplay } from './partition-replay.ts'

const UNCLEAN_KEY = 'unclean.leader.election.enable'
const MIN_ISR_KEY = 'min.insync.replicas'

/** Goes through what the replicas of each partition were seen to do; by partition. */
export function replayPartitions(evidence: Evidence): PartitionReplay[] {
  const { scenario, observed } = evidence
  const { partitions } = scenario.cluster.topic
  const replays = Array.from({ length: partitions }, (_, partition) => replayOf(evidence, partition))
  for (const event of observed.events) {
    if ('partition' in event) replays[event.partition]?.see(event)
    else if (event.kind === 'stopped') for (const replay of replays) replay.stopped(event.node)
  }
  return replays
}

function replayOf(evidence: Evidence, partition: number): PartitionReplay {
  const { partitionHistory, scenario } = evidence
  const { topic, config } = scenario.cluster
  const history = partitionHistory.filter(change => change.partition === partition)
  const unclean = new Set(history.filter(({ recovering }) => recovering).map(({ leaderEpoch }) => leaderEpoch))
  const byPartitionEpoch = new Map(history.map(change => [change.partitionEpoch, change]))
  const minIsr = Number(topic.config[MIN_ISR_KEY] ?? config[MIN_ISR_KEY] ?? 1)
  const allowsUnclean = (topic.config[UNCLEAN_KEY] ?? config[UNCLEAN_KEY]) === 'true'
  return new PartitionReplay({
    partition,
    diskLoss: (node, ms) => diskLoss(evidence, node, ms),
    // Without the history of the metadata nobody can tell: then any election may have been unclean, if it was allowed.
    isUnclean: leaderEpoch => (history.length > 0 ? unclean.has(leaderEpoch) : allowsUnclean),
    minIsr: partitionEpoch => {
      const replicas = byPartitionEpoch.get(partitionEpoch)?.replicas
      return replicas === undefined ? undefined : Math.min(minIsr, replicas.length)
    },
    isrAt: partitionEpoch => byPartitionEpoch.get(partitionEpoch)?.isr,
  })
}
