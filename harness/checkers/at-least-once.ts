import type { Checker, Violation } from './evidence.ts'
import { judgedGroups, placeKey, recordsBelowCommit } from './group-support.ts'

/**
 * What a group has committed it has processed: every record of the healed log below the committed offset was processed by
 * some member at least once (`record-skipped`). What is not committed yet is still to come.
 */
export const atLeastOnce: Checker = evidence =>
  judgedGroups(evidence).flatMap(group => {
    const processed = new Set(group.events.flatMap(event => (event.kind === 'processed' ? [placeKey(event)] : [])))
    const skipped = recordsBelowCommit(evidence, group).filter(
      ({ partition, record }) => !processed.has(placeKey({ partition, offset: record.offset })),
    )
    return skipped.map(
      ({ partition, committed, record }): Violation => ({
        guarantee: 'at-least-once',
        kind: 'record-skipped',
        message: `${group.groupId} has committed offset ${committed} of partition ${partition}, but no member ever processed record ${record.id} at offset ${record.offset}.`,
      }),
    )
  })
