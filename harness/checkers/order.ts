import type { RecordId } from '../history/history.ts'
import { type AcknowledgedSend, isAcknowledged } from './acknowledged.ts'
import { copiesOf } from './copies.ts'
import { atTime } from './describe.ts'
import type { Checker, Violation } from './evidence.ts'

interface Placed {
  readonly id: RecordId
  readonly send: AcknowledgedSend
  readonly offset: number
}

/**
 * First copies of the acknowledged records of one producer and partition stand in the order in which they were sent:
 * later sends after earlier ones (`reordered-records`), records of one send in their order (`reordered-within-send`).
 * The first inversion of a producer and partition is reported. Every producer is judged: whether order was promised is
 * the scenario's to say (`promisedGuarantees`).
 */
export const order: Checker = ({ history, logs }) => {
  const copies = copiesOf(logs)
  const highest = new Map<string, Placed>()
  const broken = new Set<string>()
  const violations: Violation[] = []
  for (const send of history.sends) {
    if (!isAcknowledged(send)) continue
    const key = `${send.producer}/${send.partition}`
    for (const id of send.records) {
      const offset = copies.get(id)?.find(({ partition }) => partition === send.partition)?.offset
      if (offset === undefined || broken.has(key)) continue
      const before = highest.get(key)
      if (before === undefined || before.offset < offset) {
        highest.set(key, { id, send, offset })
      } else {
        broken.add(key)
        violations.push(inversion(before, { id, send, offset }))
      }
    }
  }
  return violations
}

function inversion(first: Placed, second: Placed): Violation {
  const within = first.send === second.send
  const { producer, partition } = second.send
  const sent = within
    ? `record ${first.id} before ${second.id} in one send`
    : `record ${first.id} at ${atTime(first.send.invokedMs)} and record ${second.id} at ${atTime(second.send.invokedMs)}`
  return {
    guarantee: 'order',
    kind: within ? 'reordered-within-send' : 'reordered-records',
    message: `Producer ${producer} sent ${sent} to partition ${partition} and both were acknowledged, but ${second.id} stands at offset ${second.offset}, before ${first.id} at offset ${first.offset}.`,
  }
}
