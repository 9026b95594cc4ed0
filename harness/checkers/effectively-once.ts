import type { Checker, Violation } from './evidence.ts'
import { judgedGroups, recordsBelowCommit } from './group-support.ts'

/**
 * The sink of a group holds the effect of every record that the group has committed exactly once, however often it was
 * processed and wherever it stands in the log (`effect-missing`, `effect-repeated`).
 */
export const effectivelyOnce: Checker = evidence =>
  judgedGroups(evidence).flatMap(group => {
    const effects = new Map<string, number>()
    for (const event of group.events) {
      if (event.kind === 'processed' && event.effect) effects.set(event.id, (effects.get(event.id) ?? 0) + 1)
    }
    const missing = recordsBelowCommit(evidence, group).filter(({ record }) => !effects.has(record.id))
    const repeated = [...effects].filter(([, count]) => count > 1)
    return [
      ...missing.map(({ partition, record }): Violation => {
        const what = `The sink of ${group.groupId} has no effect of record ${record.id}`
        return {
          guarantee: 'effectively-once',
          kind: 'effect-missing',
          message: `${what}, although its offset ${record.offset} of partition ${partition} is committed.`,
        }
      }),
      ...repeated.map(
        ([id, count]): Violation => ({
          guarantee: 'effectively-once',
          kind: 'effect-repeated',
          message: `The sink of ${group.groupId} took the effect of record ${id} ${count} times.`,
        }),
      ),
    ]
  })
