import { choosesAsJava } from '../trial/partitioners.ts'
import type { AppendWorkload, ProducerSpec } from '../trial/scenario.ts'

/** Whether any producer sends by key. */
export function sendsByKey({ producers }: Pick<AppendWorkload, 'producers'>): boolean {
  return producers.some(({ sends }) => sends.some(send => 'key' in send))
}

/** Whether producers that send by key all choose the partition of a key in the same way. */
export function agreeOnPartitions(producers: readonly ProducerSpec[]): boolean {
  const keyed = producers.filter(({ sends }) => sends.some(send => 'key' in send))
  return keyed.every(choosesAsJava) || !keyed.some(choosesAsJava)
}
