import {
  COMMIT_ON_THEIR_OWN_AFTER_PROCESSING,
  DISCARD_WHAT_THEY_LOSE,
  GO_ON_WITH_OTHER_PARTITIONS,
  PRETEND_TO_COMMIT_WHEN_CLOSED,
} from '../explore/group-promises.ts'
import type { VerdictConfiguration } from './configuration.ts'
import type { VerdictConsumer } from './consumer-configuration.ts'
import type { DocumentedPromise, PromiseContext } from './documented-promise.ts'
import type { JudgedName } from './guarantee-groups.ts'
import { producerPromise } from './producer-promises.ts'

const DELIVERY_SEMANTICS = 'documentation, Design: Message Delivery Semantics'
const AUTO_COMMIT = 'KafkaConsumer: Automatic Offset Committing'
const MANUAL_COMMIT = 'KafkaConsumer: Manual Offset Control'
/** Replicas of `__consumer_offsets`, unless the broker or the size of the cluster says otherwise. */
const OFFSETS_REPLICAS = 3
const OFFSETS_REPLICATION_KEY = 'offsets.topic.replication.factor'

const SKIPS: DocumentedPromise = {
  promised: false,
  text: 'What is committed before it is processed is skipped when its member ends in between.',
  source: `${DELIVERY_SEMANTICS} (at-most-once)`,
}
const COMMITS_WHAT_IS_HANDED_OVER: DocumentedPromise = {
  promised: false,
  text: 'The commits of the client cover what it has read, whether the application is done with it or not: that gives at least once only to who is done before it asks for more, as platformatic does not wait for.',
  source: `${AUTO_COMMIT}; @platformatic/kafka 2.12, MessagesStream: autocommit`,
}
const PROCESSED_AGAIN: DocumentedPromise = {
  promised: false,
  text: 'What was processed and not committed yet when its member ends, or is replaced, is processed again.',
  source: `${DELIVERY_SEMANTICS} (at-least-once); ${MANUAL_COMMIT}`,
}
const GOES_ON_WITH_WHAT_IT_FETCHED: DocumentedPromise = {
  promised: false,
  text: 'platformatic goes on with what it had fetched before a rebalance, beside the new owner, and commits it again in the next generation.',
  source: '@platformatic/kafka 2.12, Consumer: rebalance, commit',
}

const GOES_ON_WITH_OTHER_PARTITIONS: DocumentedPromise = {
  promised: false,
  text: 'When a leader that changes makes KafkaJS rejoin, it goes on with what it fetches of the other brokers, beside the new owners.',
  source: 'KafkaJS 2.2.4, tulios/kafkajs#1046',
}
const PRETENDS_TO_COMMIT: DocumentedPromise = {
  promised: false,
  text: 'KafkaJS says yes to a commit that it never sends when it is being closed meanwhile.',
  source: 'KafkaJS 2.2.4, Runner: commitOffsets',
}

/** What is promised of delivery from the application that sends to the effect of what is processed. */
export function deliveryPromise(
  judged: JudgedName,
  context: PromiseContext,
  consumer: VerdictConsumer,
): DocumentedPromise {
  switch (judged) {
    case 'at-least-once':
      return atLeastOnce(context, consumer)
    case 'at-most-once':
      return atMostOnce(context, consumer)
    case 'effectively-once':
      return effectivelyOnce(context, consumer)
    case 'order':
      return order(context, consumer)
    case 'commits':
      return commits(context, consumer)
    case 'availability':
      return {
        promised: true,
        text: 'When a coordinator leads again and members are back, every partition gets an owner, who reads on where the group has committed.',
        source: 'documentation, Consumer Configs: session.timeout.ms; KIP-62',
      }
    case 'loss':
    case 'duplicates':
      return producerPromise(judged, context)
  }
}

/** What is not promised comes first: what is built on it is not, either. */
function firstBroken(...promises: readonly [DocumentedPromise, ...DocumentedPromise[]]): DocumentedPromise {
  return promises.find(({ promised }) => !promised) ?? (promises.at(-1) as DocumentedPromise)
}

function atLeastOnce(context: PromiseContext, { commit, clients }: VerdictConsumer): DocumentedPromise {
  const stored = producerPromise('loss', context)
  if (commit === 'before') return firstBroken(stored, SKIPS)
  if (commit === 'after') {
    return firstBroken(stored, {
      promised: true,
      text: 'What is committed was processed before: a member that takes over begins with what is not committed.',
      source: `${DELIVERY_SEMANTICS} (at-least-once); ${MANUAL_COMMIT}`,
    })
  }
  const afterwards = clients.every(client => COMMIT_ON_THEIR_OWN_AFTER_PROCESSING.has(client))
  if (!afterwards) return firstBroken(stored, COMMITS_WHAT_IS_HANDED_OVER)
  return firstBroken(stored, {
    promised: true,
    text: 'The client commits what the application is done with: what it had handed over when it asked for more.',
    source: AUTO_COMMIT,
  })
}

function atMostOnce(context: PromiseContext, consumer: VerdictConsumer): DocumentedPromise {
  const storedOnce = producerPromise('duplicates', context)
  if (consumer.commit !== 'before') return firstBroken(storedOnce, PROCESSED_AGAIN)
  const kept = firstBroken(storedOnce, commitsKept(context))
  if (!letsGo(consumer)) return firstBroken(kept, GOES_ON_WITH_WHAT_IT_FETCHED)
  if (consumer.clients.some(client => GO_ON_WITH_OTHER_PARTITIONS.has(client))) {
    return firstBroken(kept, GOES_ON_WITH_OTHER_PARTITIONS)
  }
  return firstBroken(kept, {
    promised: true,
    text: 'Who takes over begins after what was committed, and nothing is processed before it is.',
    source: `${DELIVERY_SEMANTICS} (at-most-once)`,
  })
}

function effectivelyOnce(context: PromiseContext, consumer: VerdictConsumer): DocumentedPromise {
  const none = atLeastOnce(context, consumer)
  if (!none.promised) return none
  if (consumer.sink === 'none') {
    return {
      promised: false,
      text: 'Exactly once reaches from topic to topic (transactions); an effect elsewhere is repeated with its record, unless the store knows what it has taken.',
      source: DELIVERY_SEMANTICS,
    }
  }
  return {
    promised: true,
    text: 'Where nothing is skipped and a repeated update changes nothing, as with a primary key, every record has its effect once.',
    source: DELIVERY_SEMANTICS,
  }
}

function order(context: PromiseContext, consumer: VerdictConsumer): DocumentedPromise {
  const written = firstBroken(producerPromise('loss', context), producerPromise('order', context))
  if (!letsGo(consumer)) return firstBroken(written, GOES_ON_WITH_WHAT_IT_FETCHED)
  return firstBroken(written, {
    promised: true,
    text: 'A consumer sees the records of a partition in the order in which they stand in the log, and that is the order in which they were sent.',
    source: `documentation, Introduction: Main Concepts; ${producerPromise('order', context).source}`,
  })
}

function commits(context: PromiseContext, consumer: VerdictConsumer): DocumentedPromise {
  const kept = commitsKept(context)
  if (!letsGo(consumer)) return firstBroken(kept, GOES_ON_WITH_WHAT_IT_FETCHED)
  const closes = context.models.includes('client') && consumer.commit !== 'auto'
  const pretends = closes && consumer.clients.some(client => PRETEND_TO_COMMIT_WHEN_CLOSED.has(client))
  return pretends ? firstBroken(kept, PRETENDS_TO_COMMIT) : kept
}

/** Coordinators write commits as a producer with acks=all does, to a topic with the broker's settings. */
function commitsKept(context: PromiseContext): DocumentedPromise {
  const { configuration } = context
  const { promised, text, source } = producerPromise('loss', { ...context, configuration: ofOffsets(configuration) })
  if (!promised) return { promised, text: `Commits are records of __consumer_offsets. ${text}`, source }
  return {
    promised,
    text: 'A commit is answered when all in-sync replicas of __consumer_offsets have it, and refused from a member of an older generation.',
    source: 'documentation, Implementation: Consumer Offset Tracking; KIP-211',
  }
}

function ofOffsets(configuration: VerdictConfiguration): VerdictConfiguration {
  const { brokers, brokerConfig, producer } = configuration
  const copies = Number(brokerConfig[OFFSETS_REPLICATION_KEY] ?? Math.min(OFFSETS_REPLICAS, brokers))
  return { ...configuration, replicationFactor: copies, producer: { ...producer, acks: -1 } }
}

function letsGo({ clients }: VerdictConsumer): boolean {
  return clients.every(client => DISCARD_WHAT_THEY_LOSE.has(client))
}
