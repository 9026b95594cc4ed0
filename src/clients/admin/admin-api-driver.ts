import { KafkaError, TimeoutException } from '../errors.ts'
import type { AdminContext } from './admin-context.ts'
import type { AdminResult } from './admin-result.ts'

/** How one key fared: it has its value or error, or it is to be tried again, with the broker it has or another one. */
export type KeyOutcome<V> = { readonly value: V } | { readonly error: KafkaError } | 'retry' | 'unmap'

/** An operation on keys that live on particular brokers: leaders of partitions, coordinators of groups. */
export interface KeyedOperation<K, V> {
  readonly name: string
  /** The broker of each key, an error that is final, or nothing for keys whose broker is not known yet. */
  lookup(keys: readonly K[], deadlineMs: number): Promise<ReadonlyMap<K, number | KafkaError>>
  /** Asks one broker about its keys; those that the result does not name are tried again. */
  fulfil(nodeId: number, keys: readonly K[], deadlineMs: number): Promise<ReadonlyMap<K, KeyOutcome<V>>>
}

/**
 * Carries out an operation on keys that live on particular brokers (Kafka's AdminApiDriver): finds the brokers, asks each
 * about its keys, and looks again where brokers have changed, until every key has its end or the time is up.
 */
export async function drive<K, V>(
  context: AdminContext,
  operation: KeyedOperation<K, V>,
  result: AdminResult<K, V>,
  deadlineMs: number,
): Promise<void> {
  const open = new Set(result.keys)
  const nodes = new Map<K, number>()
  try {
    for (let attempts = 0; open.size > 0; attempts++) {
      if (attempts > 0) await context.sleep(context.runnable.backoffMs(attempts - 1))
      if (context.runnable.nowMs >= deadlineMs) {
        result.failRest(new TimeoutException(`${operation.name} timed out after ${attempts} attempts`))
        return
      }
      await mapKeys(operation, result, open, nodes, deadlineMs)
      const asked = [...keysByNode(open, nodes)]
      await Promise.all(
        asked.map(([nodeId, keys]) => fulfil(operation, result, { open, nodes, nodeId, keys, deadlineMs })),
      )
    }
  } catch (error) {
    result.failRest(error instanceof Error ? error : new Error(String(error)))
  }
}

async function mapKeys<K, V>(
  operation: KeyedOperation<K, V>,
  result: AdminResult<K, V>,
  open: Set<K>,
  nodes: Map<K, number>,
  deadlineMs: number,
): Promise<void> {
  const unmapped = [...open].filter(key => !nodes.has(key))
  if (unmapped.length === 0) return
  for (const [key, found] of await operation.lookup(unmapped, deadlineMs)) {
    if (typeof found === 'number') {
      nodes.set(key, found)
    } else {
      open.delete(key)
      result.fail(key, found)
    }
  }
}

function keysByNode<K>(open: ReadonlySet<K>, nodes: ReadonlyMap<K, number>): Map<number, K[]> {
  const keys = new Map<number, K[]>()
  for (const key of open) {
    const nodeId = nodes.get(key)
    if (nodeId !== undefined) keys.set(nodeId, [...(keys.get(nodeId) ?? []), key])
  }
  return keys
}

interface Fulfilment<K> {
  readonly open: Set<K>
  readonly nodes: Map<K, number>
  readonly nodeId: number
  readonly keys: readonly K[]
  readonly deadlineMs: number
}

async function fulfil<K, V>(
  operation: KeyedOperation<K, V>,
  result: AdminResult<K, V>,
  { open, nodes, nodeId, keys, deadlineMs }: Fulfilment<K>,
): Promise<void> {
  let outcomes: ReadonlyMap<K, KeyOutcome<V>>
  try {
    outcomes = await operation.fulfil(nodeId, keys, deadlineMs)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    // The broker is gone or does not answer: its keys may live elsewhere by now.
    outcomes = new Map(keys.map(key => [key, error.retriable ? 'unmap' : { error }]))
  }
  for (const [key, outcome] of outcomes) {
    if (outcome === 'retry') continue
    if (outcome === 'unmap') {
      nodes.delete(key)
      continue
    }
    open.delete(key)
    if ('error' in outcome) result.fail(key, outcome.error)
    else result.complete(key, outcome.value)
  }
}
