import { isDone } from './acknowledged.ts'
import type { Checker } from './evidence.ts'
import { missingRecords } from './no-loss.ts'

/**
 * As `no-loss`, but a send with acks=0 that its client called done counts as well (`acked-record-missing`). Never promised:
 * it answers whoever asks what "done" is worth there.
 */
export const noSilentLoss: Checker = evidence =>
  missingRecords(evidence, evidence.history.sends.filter(isDone), 'no-silent-loss')
