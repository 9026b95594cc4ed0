import type { ProducerSpec } from './scenario.ts'

/**
 * Whether a producer chooses the partition of a key as the Java client does. Of all clients only platformatic by itself does not.
 */
export function choosesAsJava({ client, partitioner }: Pick<ProducerSpec, 'client' | 'partitioner'>): boolean {
  return client !== 'platformatic' || partitioner === 'java'
}
