import type { SendOperation } from '../history/history.ts'

/** Virtual time as people read it: `1234.5 ms`. */
export function atTime(ms: number): string {
  return `${Number(ms.toFixed(3))} ms`
}

/** A send in a sentence: `p0-s3-r0 … p0-s3-r2`. */
export function recordsOf({ records }: SendOperation): string {
  const [first] = records
  return records.length === 1 ? `${first}` : `${first} … ${records.at(-1)}`
}

/** `1 record`, `3 records`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** What a client was told: `acknowledged at 12 ms (acks=-1, offset 3 of partition 0)`. */
export function acknowledgement(send: SendOperation, index: number): string {
  const { outcome } = send
  if (outcome.kind !== 'ok') return 'not acknowledged'
  const offset = outcome.baseOffset === undefined ? '' : `offset ${outcome.baseOffset + index} of `
  return `acknowledged at ${atTime(outcome.atMs)} (acks=${send.acks}, ${offset}partition ${send.partition})`
}
