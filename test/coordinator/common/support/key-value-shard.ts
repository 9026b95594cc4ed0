import type { CoordinatorExecutor } from '../../../../src/coordinator/common/coordinator-executor.ts'
import type { CoordinatorRecordSerde } from '../../../../src/coordinator/common/coordinator-record-serde.ts'
import type { CoordinatorResult } from '../../../../src/coordinator/common/coordinator-result.ts'
import type { CoordinatorShard, CoordinatorShardContext } from '../../../../src/coordinator/common/coordinator-shard.ts'
import type { CoordinatorTimer } from '../../../../src/coordinator/common/coordinator-timer.ts'
import { TimelineMap } from '../../../../src/coordinator/common/timeline-map.ts'

/** One value of one key. */
export interface KeyValueRecord {
  readonly key: string
  readonly value: string
}

/** The smallest coordinator there can be: it keeps values. */
export class KeyValueShard implements CoordinatorShard<KeyValueRecord> {
  readonly timer: CoordinatorTimer<KeyValueRecord>
  readonly executor: CoordinatorExecutor<KeyValueRecord>
  readonly events: string[] = []
  /** A record with this value cannot be applied. */
  static readonly POISON = 'poison'
  readonly #values: TimelineMap<string, string>

  constructor({ snapshotRegistry, timer, executor }: CoordinatorShardContext<KeyValueRecord>) {
    this.timer = timer
    this.executor = executor
    this.#values = new TimelineMap(snapshotRegistry)
  }

  put(key: string, value: string): CoordinatorResult<string, KeyValueRecord> {
    return { records: [{ key, value }], response: `${key}=${value}` }
  }

  /** What is there, committed or not. */
  get values(): Record<string, string> {
    return Object.fromEntries(this.#values.entries())
  }

  committedValues(committedOffset: number): Record<string, string> {
    return Object.fromEntries(this.#values.entriesAt(committedOffset))
  }

  replay(_offset: number, { key, value }: KeyValueRecord): void {
    if (value === KeyValueShard.POISON) throw new Error('cannot be applied')
    this.#values.set(key, value)
  }

  onLoaded(): void {
    this.events.push('loaded')
  }

  onUnloaded(): void {
    this.events.push('unloaded')
  }

  onNewMetadataImage(): void {
    this.events.push('metadata')
  }
}

export const keyValueSerde: CoordinatorRecordSerde<KeyValueRecord> = {
  serialize: ({ key, value }) => ({ key: Buffer.from(key), value: Buffer.from(value) }),
  deserialize: (key, value) => ({ key: String(key), value: String(value) }),
}
