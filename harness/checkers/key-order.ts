import type { GroupEvent } from '../history/group-history.ts'
import type { RecordId } from '../history/history.ts'
import { isAcknowledged } from './acknowledged.ts'
import { atTime } from './describe.ts'
import type { Checker, Evidence, Violation } from './evidence.ts'
import type { GroupEvidence } from './group-evidence.ts'
import { judgedGroups, memberName } from './group-support.ts'

type Processed = Extract<GroupEvent, { readonly kind: 'processed' }>

/** The first time a record was processed. */
interface Effect {
  readonly id: RecordId
  readonly event: Processed
  /** How many events of the group were before it. */
  readonly at: number
}

/**
 * The sink of a group has the records of one key and producer in the order in which they were sent, whoever owns their partition
 * meanwhile: none is processed before an earlier one has been for the first time (`key-processed-out-of-order`). That a member which
 * takes a partition over processes again what stood behind the last commit is no reordering: it repeats a part of what was there,
 * in order. Acknowledged records count; one that nobody ever processes is for `at-least-once` to miss. The first inversion of a
 * key and producer is reported.
 */
export const keyOrder: Checker = evidence => judgedGroups(evidence).flatMap(group => inversions(group, evidence))

function inversions(group: GroupEvidence, { history }: Evidence): Violation[] {
  const effects = firstEffects(group)
  const latest = new Map<string, Effect>()
  const broken = new Set<string>()
  const violations: Violation[] = []
  for (const send of history.sends) {
    if (send.key === undefined || !isAcknowledged(send)) continue
    const lane = `${send.producer}/${send.key}`
    for (const id of send.records) {
      const effect = effects.get(id)
      if (effect === undefined || broken.has(lane)) continue
      const before = latest.get(lane)
      if (before === undefined || before.at < effect.at) {
        latest.set(lane, effect)
        continue
      }
      broken.add(lane)
      violations.push(inversion(group, send.producer, send.key, before, effect))
    }
  }
  return violations
}

function firstEffects({ events }: GroupEvidence): Map<RecordId, Effect> {
  const effects = new Map<RecordId, Effect>()
  for (const [at, event] of events.entries()) {
    if (event.kind === 'processed' && !effects.has(event.id)) effects.set(event.id, { id: event.id, event, at })
  }
  return effects
}

function inversion(group: GroupEvidence, producer: number, key: string, first: Effect, second: Effect): Violation {
  const done = ({ id, event }: Effect): string =>
    `${memberName(group, event)} processed ${id} (offset ${event.offset} of partition ${event.partition}) at ${atTime(event.ms)}`
  return {
    guarantee: 'key-order',
    kind: 'key-processed-out-of-order',
    message: `Producer ${producer} sent ${first.id} before ${second.id} by key ${key} and both were acknowledged, but ${done(second)}, before ${done(first)}.`,
  }
}
