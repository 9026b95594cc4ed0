import { effectiveMinInsyncReplicas, type VerdictConfiguration } from './configuration.ts'
import type { DocumentedPromise, PromiseContext } from './documented-promise.ts'
import type { FaultModelName } from './fault-models.ts'

interface Rule {
  readonly judged: ProducerJudged
  readonly when: (context: PromiseContext) => boolean
  readonly promise: DocumentedPromise
}

/** What is promised of what producers write. */
export type ProducerJudged = 'loss' | 'duplicates' | 'order' | 'availability'

export const DESIGN_REPLICATION = 'documentation, Design: Replication'

/** The first rule that applies says what is promised. */
const RULES: readonly Rule[] = [
  {
    judged: 'loss',
    when: ({ configuration }) => configuration.producer.acks === 0,
    promise: {
      promised: false,
      text: 'With acks=0 the producer does not wait for the broker: nothing says that it ever got the record.',
      source: 'documentation, Producer Configs: acks',
    },
  },
  {
    judged: 'loss',
    when: ({ configuration }) => configuration.producer.acks === 1 && configuration.replicationFactor > 1,
    promise: {
      promised: false,
      text: 'With acks=1 a record is gone when its leader fails, or is replaced, before a follower has fetched it.',
      source: 'documentation, Producer Configs: acks',
    },
  },
  {
    judged: 'loss',
    when: ({ configuration, models }) =>
      configuration.uncleanLeaderElection && !onlyMaintenance(models) && !allHoldAll(configuration),
    promise: {
      promised: false,
      text: 'A replica that was not in sync may become the leader; what it does not have is lost.',
      source: 'documentation, Topic Configs: unclean.leader.election.enable',
    },
  },
  {
    judged: 'loss',
    when: ({ configuration, models }) => models.includes('power-loss') && configuration.flushMessages === 1,
    promise: {
      promised: true,
      text: 'Every record is flushed before it is acknowledged, so no power loss takes it (Kafka advises against it and relies on replication).',
      source: 'documentation, Broker Configs: log.flush.interval.messages',
    },
  },
  {
    judged: 'loss',
    when: ({ configuration, models, powerLosses }) =>
      models.includes('power-loss') && toleratedPowerLosses(configuration) < powerLosses,
    promise: {
      promised: false,
      text: 'Kafka does not flush before it acknowledges: what only machines hold that lose power is lost.',
      source: `${DESIGN_REPLICATION}; KIP-966`,
    },
  },
  {
    judged: 'loss',
    when: ({ models }) => models.includes('power-loss') && models.includes('process-crash'),
    promise: {
      promised: false,
      text: 'A killed process counts as an unclean shutdown as much as a power loss does: with a replica killed and another one without power, more than min.insync.replicas − 1 were shut down uncleanly.',
      source: 'KIP-966: Eligible Leader Replicas',
    },
  },
  {
    judged: 'loss',
    when: ({ models }) => models.includes('power-loss'),
    promise: {
      promised: true,
      text: 'An acknowledged record survives min.insync.replicas − 1 machines that lose what they had not flushed.',
      source: 'KIP-966: Eligible Leader Replicas',
    },
  },
  {
    judged: 'loss',
    when: () => true,
    promise: {
      promised: true,
      text: 'An acknowledged record is not lost as long as one in-sync replica keeps its log; while none is alive the partition waits.',
      source: `${DESIGN_REPLICATION}; Producer Configs: acks`,
    },
  },
  {
    judged: 'duplicates',
    when: ({ configuration }) => configuration.producer.idempotent,
    promise: {
      promised: true,
      text: 'Within one session of a producer a retry is stored once.',
      source: 'documentation, Producer Configs: enable.idempotence; KIP-98',
    },
  },
  {
    judged: 'duplicates',
    when: ({ configuration }) => configuration.producer.retries === 0,
    promise: {
      promised: true,
      text: 'Without retries a record is sent once (and may be lost when the send fails).',
      source: 'documentation, Producer Configs: retries',
    },
  },
  {
    judged: 'duplicates',
    when: ({ configuration }) => configuration.producer.acks === 0,
    promise: {
      promised: false,
      text: 'Without acknowledgements nothing is retried after an answer, but a broken connection may repeat a record.',
      source: 'documentation, Producer Configs: acks, retries',
    },
  },
  {
    judged: 'duplicates',
    when: () => true,
    promise: {
      promised: false,
      text: 'A retry after a lost answer writes the record again.',
      source: 'documentation, Producer Configs: enable.idempotence',
    },
  },
  {
    judged: 'order',
    when: ({ configuration }) => configuration.producer.idempotent || configuration.producer.sequential === true,
    promise: {
      promised: true,
      text: 'Records of one producer and partition stand in the order in which they were sent.',
      source: 'documentation, Producer Configs: max.in.flight.requests.per.connection',
    },
  },
  {
    judged: 'order',
    when: () => true,
    promise: {
      promised: false,
      text: 'With more than one request in flight and no idempotence, a retry may land behind a later record.',
      source: 'documentation, Producer Configs: max.in.flight.requests.per.connection',
    },
  },
  {
    judged: 'availability',
    when: () => true,
    promise: {
      promised: true,
      text: 'When enough replicas are back, a partition has a leader again and takes writes.',
      source: DESIGN_REPLICATION,
    },
  },
]

export function producerPromise(judged: ProducerJudged, context: PromiseContext): DocumentedPromise {
  const rule = RULES.find(candidate => candidate.judged === judged && candidate.when(context))
  if (rule === undefined) throw new Error(`no rule says what is promised of ${judged}`)
  return rule.promise
}

/** How many machines may lose power: KIP-966 promises it, and only with its feature. */
function toleratedPowerLosses(configuration: VerdictConfiguration): number {
  return configuration.eligibleLeaderReplicas ? effectiveMinInsyncReplicas(configuration) - 1 : 0
}

function onlyMaintenance(models: readonly FaultModelName[]): boolean {
  return models.every(name => name === 'maintenance' || name === 'client')
}

/** Every replica has what is acknowledged: whichever is elected has it, unless its machine lost it. */
function allHoldAll(configuration: VerdictConfiguration): boolean {
  return effectiveMinInsyncReplicas(configuration) === configuration.replicationFactor
}
