import { ApiException, bytesSerde, KafkaAdminClient, KafkaProducer, stringSerde } from '../../src/clients/index.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { recordValue } from '../history/history.ts'
import { type ChurnCall, type ChurnHistory, type ChurnOutcome, churnedId } from '../trial/churn-history.ts'
import {
  type AdminOperation,
  type ChurnOperation,
  churnTopic,
  describeChurn,
  type WriteOperation,
} from '../trial/churn-spec.ts'
import type { SimulatedProcess } from '../world/process.ts'

/** How long one request, and with it one operation, may take: the client does not repeat it. */
const REQUEST_TIMEOUT_MS = 10_000
/** How long what is written may take, repetitions included. */
const DELIVERY_TIMEOUT_MS = 20_000
/** How long a write waits for a topic that nobody knows. */
const MAX_BLOCK_MS = 5000
const VALUE_BYTES = 20

/** Errors with which a request is refused for good. */
const REFUSALS: ReadonlySet<string> = new Set([
  'TOPIC_ALREADY_EXISTS',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_PARTITIONS',
  'INVALID_REPLICATION_FACTOR',
  'INVALID_REPLICA_ASSIGNMENT',
  'INVALID_CONFIG',
  'INVALID_REQUEST',
  'OFFSET_OUT_OF_RANGE',
  'POLICY_VIOLATION',
])

export interface AdministratorOptions {
  readonly process: SimulatedProcess
  readonly bootstrap: readonly string[]
  readonly history: ChurnHistory
  readonly brokers: number
  readonly tell: (text: string) => void
}

/**
 * An administrator with this package's admin client, and an application that writes to the topics meanwhile, in one process. The
 * client is told not to repeat anything: of what it asked for twice nobody could say which of the two was done last.
 */
export class Administrator {
  readonly #options: AdministratorOptions
  readonly #admin: KafkaAdminClient
  readonly #producer: KafkaProducer<string, Uint8Array>

  constructor(options: AdministratorOptions) {
    this.#options = options
    const { process, bootstrap } = options
    const common = { 'bootstrap.servers': bootstrap, 'request.timeout.ms': REQUEST_TIMEOUT_MS }
    this.#admin = new KafkaAdminClient(process, {
      ...common,
      'client.id': 'churn-admin',
      'default.api.timeout.ms': REQUEST_TIMEOUT_MS,
      retries: 0,
    })
    this.#producer = new KafkaProducer(
      process,
      {
        ...common,
        'client.id': 'churn-writer',
        'delivery.timeout.ms': DELIVERY_TIMEOUT_MS,
        'max.block.ms': MAX_BLOCK_MS,
      },
      { keySerializer: stringSerde, valueSerializer: bytesSerde },
    )
  }

  /** Does what an operation asks for, and notes what came of it. Never rejects. */
  async do(index: number, operation: ChurnOperation): Promise<void> {
    const { history, process, tell } = this.#options
    const nowMs = (): number => process.world.nowMs
    tell(`begins to ${describeChurn(operation)}`)
    const call = history.invoke({ index, operation, invokedMs: nowMs() })
    const outcome = await this.#outcomeOf(index, operation).then(
      (done): ChurnOutcome => ({ kind: 'ok', atMs: nowMs(), ...done }),
      (error: unknown): ChurnOutcome => judge(error, nowMs()),
    )
    history.settle(call, outcome)
    tell(describeOutcome(call))
  }

  async close(): Promise<void> {
    await Promise.all([this.#admin.close(0), this.#producer.close(0)])
  }

  #outcomeOf(index: number, operation: ChurnOperation): Promise<Done> {
    return operation.kind === 'write' ? this.#write(index, operation) : this.#administer(operation)
  }

  async #administer(operation: AdminOperation): Promise<Done> {
    const topic = churnTopic(operation.topic)
    const admin = this.#admin
    switch (operation.kind) {
      case 'create': {
        const { partitions: numPartitions, replicationFactor } = operation
        const { topicId } = await admin.createTopics([{ name: topic, numPartitions, replicationFactor }]).get(topic)
        return { topicId }
      }
      case 'expand':
        await admin.createPartitions(new Map([[topic, { totalCount: operation.partitions }]])).all()
        return {}
      case 'delete':
        await admin.deleteTopics([topic]).all()
        return {}
      case 'reassign': {
        const partition = { topic, partition: operation.partition }
        const replicas = replicaIds(operation.replicas, this.#options.brokers)
        await admin.alterPartitionReassignments([[partition, replicas]]).all()
        return {}
      }
      case 'configure': {
        const { key: name, value } = operation
        await admin.incrementalAlterConfigs([[{ type: 'TOPIC', name: topic }, [{ name, value, op: 'SET' }]]]).all()
        return {}
      }
      case 'delete-records': {
        const partition = { topic, partition: operation.partition }
        return { lowWatermark: await admin.deleteRecords([[partition, operation.offset]]).get(partition) }
      }
    }
  }

  async #write(index: number, { topic, partition, records }: WriteOperation): Promise<Done> {
    const sent = Array.from({ length: records }, (_, record) => {
      const key = churnedId(index, record)
      return this.#producer.send({ topic: churnTopic(topic), partition, key, value: recordValue(key, VALUE_BYTES) })
    })
    // Every one is waited for: what comes next must not overtake any of them.
    const ends = await Promise.allSettled(sent)
    return {
      offsets: ends.map(end => {
        if (end.status === 'rejected') throw end.reason
        return end.value.offset
      }),
    }
  }
}

type Done = Omit<Extract<ChurnOutcome, { readonly kind: 'ok' }>, 'kind' | 'atMs'>

/** Ids of brokers by their places, modulo how many there are; each once. */
export function replicaIds(places: readonly number[], brokers: number): number[] {
  return [...new Set(places.map(place => (place % brokers) + 1))]
}

function judge(error: unknown, atMs: number): ChurnOutcome {
  const type = error instanceof ApiException && error.code !== undefined ? errorName(error.code) : undefined
  const described = {
    name: error instanceof Error ? error.name : 'unknown',
    message: error instanceof Error ? error.message : String(error),
    ...(type === undefined ? {} : { type }),
  }
  return { kind: type !== undefined && REFUSALS.has(type) ? 'refused' : 'indeterminate', atMs, error: described }
}

function describeOutcome({ operation, outcome }: ChurnCall): string {
  const what = describeChurn(operation)
  if (outcome.kind === 'ok') return `is told that it is done: ${what}`
  if (outcome.kind === 'pending') return `still waits: ${what}`
  const why = `${outcome.error.type ?? outcome.error.name}: ${outcome.error.message}`
  return outcome.kind === 'refused' ? `is refused to ${what} (${why})` : `does not know about: ${what} (${why})`
}
