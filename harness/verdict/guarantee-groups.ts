import type { Finding } from '../explore/finding.ts'
import { joinsUnheard } from '../explore/group-promises.ts'
import { ABILITIES } from '../explore/parse-group.ts'
import type { GuaranteeName } from '../trial/scenario.ts'
import type { VerdictConfiguration } from './configuration.ts'
import type { VerdictConsumer } from './consumer-configuration.ts'

/** The four things that people ask of a configuration of producers. */
const OF_PRODUCERS = ['loss', 'duplicates', 'order', 'availability'] as const
/** What they ask besides, or instead, when a group reads. */
const OF_DELIVERY = ['at-least-once', 'at-most-once', 'effectively-once', 'commits'] as const
export const JUDGED_NAMES = [...OF_PRODUCERS, ...OF_DELIVERY] as const
export type JudgedName = (typeof JUDGED_NAMES)[number]

/** What is asked, and by which checkers it is judged. */
export interface Judged {
  readonly name: JudgedName
  /** What a person reads: `no acknowledged record lost`. */
  readonly title: string
  readonly guarantees: readonly GuaranteeName[]
  /** Kinds of trial failures that break it as well. */
  readonly failures: readonly string[]
}

type Asked = Pick<VerdictConfiguration, 'producer' | 'consumer'>

/** Of what the producers write, or, when a group reads, of what becomes of it from end to end. */
export function judgedBy({ producer, consumer }: Asked): Judged[] {
  return consumer === undefined ? judgedOfProducers(producer) : judgedOfDelivery(producer, consumer)
}

/**
 * With acks=0 nothing is ever acknowledged: what is asked is what the "done" of the client is worth, and nothing is asked
 * of an order, which is one of acknowledged records.
 */
function judgedOfProducers(producer: Asked['producer']): Judged[] {
  const isAcknowledged = producer.acks !== 0
  const title = isAcknowledged ? 'no acknowledged record lost' : 'no record lost that the client called done'
  return [
    { name: 'loss', title, guarantees: [noLossOf(producer)], failures: [] },
    { name: 'duplicates', title: 'no duplicates', guarantees: ['no-duplicates'], failures: [] },
    ...(isAcknowledged
      ? [{ name: 'order', title: 'order kept', guarantees: ['order'], failures: [] } satisfies Judged]
      : []),
    {
      name: 'availability',
      title: 'available again after healing',
      guarantees: ['recovers', 'cluster-recovers', 'every-send-settles'],
      failures: ['liveness', 'deadlock'],
    },
  ]
}

/**
 * From the application that sends to the effect of what is processed. A record that the cluster loses is skipped, one that it
 * stores twice is processed twice. Whether groups get to the end of the log, without which nothing else would be worth much, is
 * judged as going on after healing.
 */
function judgedOfDelivery(producer: Asked['producer'], consumer: VerdictConsumer): Judged[] {
  const isAcknowledged = producer.acks !== 0
  const sent = isAcknowledged ? 'acknowledged record' : 'record that the client called done'
  const noLoss = noLossOf(producer)
  return [
    {
      name: 'at-least-once',
      title: `at least once: no ${sent} skipped`,
      guarantees: ['at-least-once', noLoss],
      failures: [],
    },
    {
      name: 'at-most-once',
      title: 'at most once: no record processed twice',
      guarantees: ['at-most-once', 'no-duplicates'],
      failures: [],
    },
    {
      name: 'effectively-once',
      title: `effectively once: every ${sent} has its effect once`,
      guarantees: ['effectively-once', noLoss],
      failures: [],
    },
    {
      name: 'order',
      title: 'order kept in each partition, up to the members',
      guarantees: isAcknowledged ? ['group-order', 'order'] : ['group-order'],
      failures: [],
    },
    {
      name: 'availability',
      title: 'producers and group go on after healing',
      guarantees: ['group-converges', 'recovers', 'cluster-recovers', 'every-send-settles'],
      failures: ['liveness', 'deadlock'],
    },
    {
      name: 'commits',
      title: commitsTitle(consumer),
      guarantees: [
        'commits-stay',
        ...(consumer.commit === 'before' ? [] : (['commits-not-beyond-processed'] as const)),
        ...(hearsOfGenerations(consumer) ? (['fenced-commits-refused'] as const) : []),
      ],
      failures: [],
    },
  ]
}

function noLossOf({ acks }: Asked['producer']): GuaranteeName {
  return acks === 0 ? 'no-silent-loss' : 'no-loss'
}

function commitsTitle(consumer: VerdictConsumer): string {
  const beyond = consumer.commit === 'before' ? '' : ', never beyond what was processed'
  const fenced = hearsOfGenerations(consumer) ? ', refused from members that were replaced' : ''
  return `commits safe: kept${beyond}${fenced}`
}

/** Whether a member knows at each commit which generation it is of: nothing can be said otherwise. */
function hearsOfGenerations({ clients, assignor }: VerdictConsumer): boolean {
  return !clients.some(client => {
    const [byDefault] = ABILITIES[client].assignors
    const used = assignor ?? byDefault
    return used !== undefined && joinsUnheard({ client, assignor: used })
  })
}

/** Whether a finding breaks what is judged. */
export function breaks(
  { guarantees, failures }: Judged,
  { guarantee, kind }: Pick<Finding, 'guarantee' | 'kind'>,
): boolean {
  return guarantee === 'trial' ? failures.includes(kind) : guarantees.includes(guarantee)
}
