import type { SendOperation } from '../history/history.ts'

/** A send that was promised to be in the log. With acks=0 a client says "ok" without any promise of the broker. */
export interface AcknowledgedSend extends SendOperation {
  readonly outcome: { readonly kind: 'ok'; readonly atMs: number; readonly baseOffset: number | undefined }
}

export function isAcknowledged(send: SendOperation): send is AcknowledgedSend {
  return isDone(send) && send.acks !== 0
}

/** A send that its client called done, with or without a promise of the broker. */
export function isDone(send: SendOperation): send is AcknowledgedSend {
  return send.outcome.kind === 'ok'
}

/** The base offset an acknowledgement names; undefined when it names none (a client may not tell, Kafka may answer −1). */
export function acknowledgedOffset(send: AcknowledgedSend): number | undefined {
  const { baseOffset } = send.outcome
  return baseOffset === undefined || baseOffset < 0 ? undefined : baseOffset
}
