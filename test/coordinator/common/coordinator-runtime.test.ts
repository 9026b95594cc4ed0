import { describe, expect, it } from 'vitest'
import { CoordinatorRuntime } from '../../../src/coordinator/common/coordinator-runtime.ts'
import { ApiError, ErrorCode } from '../../../src/protocol/errors.ts'
import { createManualRuntime } from '../../support/manual-runtime.ts'
import { KeyValueShard, keyValueSerde } from './support/key-value-shard.ts'
import { APPEND_FAILURE, MemoryLog } from './support/memory-log.ts'

const PARTITION = { topic: '__values', partition: 0 }
const TIMEOUT_MS = 5000

/** The value, the name of the error code, or undefined while there is neither. */
function outcome(promise: Promise<unknown>): { readonly now: unknown } {
  const seen: { now: unknown } = { now: undefined }
  promise.then(
    value => {
      seen.now = value
    },
    (error: unknown) => {
      seen.now = error instanceof ApiError ? error.errorName : error
    },
  )
  return seen
}

async function setUp({ appendLingerMs = -1, load = true } = {}) {
  const runtime = createManualRuntime()
  const log = new MemoryLog()
  const unexpected: unknown[] = []
  const shards: KeyValueShard[] = []
  const coordinators = new CoordinatorRuntime<KeyValueShard, { key: string; value: string }>(runtime, {
    name: 'values',
    numThreads: 2,
    defaultWriteTimeoutMs: TIMEOUT_MS,
    appendLingerMs,
    compression: 'none',
    partitionWriter: log,
    loader: log,
    serde: keyValueSerde,
    createShard: context => {
      const shard = new KeyValueShard(context)
      shards.push(shard)
      return shard
    },
    onUnexpectedError: error => unexpected.push(error),
  })
  if (load) coordinators.scheduleLoadOperation(PARTITION, 1)
  await runtime.settle()
  const put = (key: string, value: string) =>
    outcome(coordinators.scheduleWriteOperation(`put ${key}`, PARTITION, TIMEOUT_MS, shard => shard.put(key, value)))
  const committed = () =>
    outcome(coordinators.scheduleReadOperation(PARTITION, (shard, offset) => shard.committedValues(offset)))
  const latest = () => shards.at(-1)?.values
  return { runtime, log, unexpected, shards, coordinators, put, committed, latest }
}

describe('a write', () => {
  it('is answered when it is committed, and until then no read sees it', async () => {
    const { runtime, log, put, committed, latest } = await setUp()
    const write = put('a', '1')
    await runtime.settle()
    const before = committed()
    await runtime.settle()

    expect(write.now).toBeUndefined()
    expect(before.now).toEqual({})
    expect(latest()).toEqual({ a: '1' })

    log.commit(PARTITION)
    await runtime.settle()
    const after = committed()
    await runtime.settle()

    expect(write.now).toBe('a=1')
    expect(after.now).toEqual({ a: '1' })
  })

  it('shares a batch with the writes that wait beside it', async () => {
    const { runtime, log, put } = await setUp()

    put('a', '1')
    put('b', '2')
    put('c', '3')
    await runtime.settle()

    expect(log.batches).toEqual([['a', 'b', 'c']])
  })

  it('waits for others as long as it is told to linger', async () => {
    const { runtime, log, put } = await setUp({ appendLingerMs: 10 })
    put('a', '1')
    await runtime.advance(9)
    put('b', '2')
    expect(log.batches).toEqual([])

    await runtime.advance(2)

    expect(log.batches).toEqual([['a', 'b']])
  })

  it('is undone with all that share its batch when the batch cannot be appended', async () => {
    const { runtime, log, put, latest } = await setUp()
    put('kept', '0')
    await runtime.settle()
    log.nextError = APPEND_FAILURE
    const first = put('a', '1')
    const second = put('kept', '2')
    await runtime.settle()

    expect([first.now, second.now]).toEqual(['NOT_ENOUGH_REPLICAS', 'NOT_ENOUGH_REPLICAS'])
    expect(latest()).toEqual({ kept: '0' })

    const third = put('c', '3')
    await runtime.settle()
    log.commit(PARTITION)
    await runtime.settle()
    expect(third.now).toBe('c=3')
    expect(latest()).toEqual({ kept: '0', c: '3' })
  })

  it('is undone with its batch when a record cannot be applied', async () => {
    const { runtime, log, put, latest } = await setUp()
    const good = put('a', '1')
    const bad = put('b', KeyValueShard.POISON)
    await runtime.settle()

    expect(good.now).toMatchObject({ message: 'cannot be applied' })
    expect(bad.now).toMatchObject({ message: 'cannot be applied' })
    expect(latest()).toEqual({})
    expect(log.records).toEqual([])
  })

  it('is given up when it is not committed in time, but counts if it is committed later', async () => {
    const { runtime, log, put, committed } = await setUp()
    const write = put('a', '1')
    await runtime.advance(TIMEOUT_MS - 1)
    expect(write.now).toBeUndefined()

    await runtime.advance(2)
    expect(write.now).toBe('REQUEST_TIMED_OUT')

    log.commit(PARTITION)
    const read = committed()
    await runtime.settle()
    expect(read.now).toEqual({ a: '1' })
  })

  it('without records is answered when what it may have seen is committed', async () => {
    const { runtime, log, coordinators, put } = await setUp()
    const look = () =>
      outcome(
        coordinators.scheduleWriteOperation('look', PARTITION, TIMEOUT_MS, shard => ({
          records: [],
          response: shard.values,
        })),
      )
    put('a', '1')
    const beforeAppend = look()
    await runtime.settle()
    const afterAppend = look()
    await runtime.settle()
    expect([beforeAppend.now, afterAppend.now]).toEqual([undefined, undefined])

    log.commit(PARTITION)
    await runtime.settle()
    const afterCommit = look()
    await runtime.settle()
    expect([beforeAppend.now, afterAppend.now, afterCommit.now]).toEqual(Array(3).fill({ a: '1' }))
  })

  it('begins a new batch when it does not fit beside the others', async () => {
    const { runtime, log, put } = await setUp()
    log.maxBytes = 61 + 3 * (21 + 2)
    await runtime.settle()

    for (const key of ['a', 'b', 'c', 'd']) put(key, '1')
    await runtime.settle()

    expect(log.batches).toEqual([['a', 'b', 'c'], ['d']])
  })

  it('whose records make sense alone is spread over batches', async () => {
    const { runtime, log, coordinators } = await setUp()
    log.maxBytes = 61 + 2 * (21 + 2)
    const records = ['a', 'b', 'c', 'd', 'e'].map(key => ({ key, value: '1' }))

    const write = outcome(
      coordinators.scheduleWriteOperation('many', PARTITION, TIMEOUT_MS, () => ({
        records,
        response: 'all',
        isAtomic: false,
      })),
    )
    await runtime.settle()
    log.commit(PARTITION)
    await runtime.settle()

    expect(log.batches).toEqual([['a', 'b'], ['c', 'd'], ['e']])
    expect(write.now).toBe('all')
  })

  it('waits for the append of the one before, however long that takes', async () => {
    const { runtime, log, put, latest } = await setUp()
    let open = () => {}
    log.gate = new Promise(resolve => {
      open = resolve
    })
    put('a', '1')
    await runtime.settle()
    put('b', '2')
    await runtime.settle()

    expect(latest()).toEqual({ a: '1' })

    open()
    await runtime.settle()
    expect(latest()).toEqual({ a: '1', b: '2' })
  })

  it('tells who asked for it how the append ended', async () => {
    const { runtime, log, coordinators } = await setUp()
    const heard: unknown[] = []
    const write = (key: string) =>
      coordinators
        .scheduleWriteOperation('put', PARTITION, TIMEOUT_MS, () => ({
          records: [{ key, value: '1' }],
          response: undefined,
          onAppended: error => heard.push(error),
        }))
        .catch(() => {})
    void write('a')
    await runtime.settle()
    log.commit(PARTITION)
    await runtime.settle()
    log.nextError = APPEND_FAILURE
    void write('b')
    await runtime.settle()

    expect(heard).toEqual([undefined, APPEND_FAILURE])
  })
})

describe('a shard', () => {
  it('is not there, is loading, is active, and is not there again', async () => {
    const { runtime, log, coordinators, put, shards } = await setUp({ load: false })
    log.holdLoads = true
    const before = put('a', '1')
    coordinators.scheduleLoadOperation(PARTITION, 1)
    await runtime.settle()
    const during = put('a', '2')
    await runtime.settle()
    log.releaseLoad()
    await runtime.settle()
    const pending = put('a', '3')
    await runtime.settle()
    coordinators.scheduleUnloadOperation(PARTITION, 2)
    await runtime.settle()
    const after = put('a', '4')
    await runtime.settle()

    expect([before.now, during.now, pending.now, after.now]).toEqual([
      'NOT_COORDINATOR',
      'COORDINATOR_LOAD_IN_PROGRESS',
      'NOT_COORDINATOR',
      'NOT_COORDINATOR',
    ])
    expect(shards[0]?.events).toEqual(['loaded', 'unloaded'])
    expect(log.listeners).toBe(0)
  })

  it('has what its log says, committed as far as the log is', async () => {
    const { runtime, log, coordinators, committed, latest } = await setUp({ load: false })
    log.records.push({ key: 'a', value: '1' })
    log.highWatermark = 1
    coordinators.scheduleLoadOperation(PARTITION, 1)
    await runtime.settle()
    const read = committed()
    await runtime.settle()

    expect(latest()).toEqual({ a: '1' })
    expect(read.now).toEqual({ a: '1' })
  })

  it('is not resigned by a leader epoch that is older than its own', async () => {
    const { runtime, log, coordinators, put } = await setUp({ load: false })
    coordinators.scheduleLoadOperation(PARTITION, 5)
    await runtime.settle()
    coordinators.scheduleUnloadOperation(PARTITION, 5)
    coordinators.scheduleUnloadOperation(PARTITION, 4)
    const write = put('a', '1')
    await runtime.settle()
    log.commit(PARTITION)
    await runtime.settle()

    expect(write.now).toBe('a=1')
  })

  it('that is elected again while it was loading waits for its own load', async () => {
    const { runtime, log, coordinators, shards } = await setUp({ load: false })
    log.holdLoads = true
    coordinators.scheduleLoadOperation(PARTITION, 1)
    await runtime.settle()
    coordinators.scheduleUnloadOperation(PARTITION, 2)
    coordinators.scheduleLoadOperation(PARTITION, 3)
    await runtime.settle()

    log.releaseLoad() // the first
    await runtime.settle()
    expect(coordinators.states.get('__values-0')).toBe('LOADING')

    log.releaseLoad()
    await runtime.settle()
    expect(coordinators.states.get('__values-0')).toBe('ACTIVE')
    expect(shards).toHaveLength(2)
  })

  it('whose log cannot be read answers nothing until it is elected again', async () => {
    const { runtime, log, coordinators, put, unexpected } = await setUp({ load: false })
    log.nextError = new Error('torn')
    coordinators.scheduleLoadOperation(PARTITION, 1)
    await runtime.settle()
    const failed = put('a', '1')
    await runtime.settle()
    log.nextError = undefined
    coordinators.scheduleLoadOperation(PARTITION, 2)
    const good = put('b', '1')
    await runtime.settle()
    const loading = put('c', '1')
    await runtime.settle()
    log.commit(PARTITION)
    await runtime.settle()

    expect(failed.now).toBe('NOT_COORDINATOR')
    expect(unexpected).toMatchObject([{ message: 'torn' }])
    expect([good.now, loading.now]).toEqual(['COORDINATOR_LOAD_IN_PROGRESS', 'c=1'])
  })

  it('reads its log anew when that is not where it believed', async () => {
    const { runtime, log, put, latest, shards } = await setUp()
    put('a', '1')
    await runtime.settle()
    log.drift = 1
    const lost = put('b', '2')
    await runtime.settle()

    expect(lost.now).toBe('NOT_COORDINATOR')
    expect(shards).toHaveLength(2)
    expect(latest()).toEqual({ a: '1', b: '2' })
    const next = put('c', '3')
    await runtime.settle()
    log.commit(PARTITION)
    await runtime.settle()
    expect(next.now).toBe('c=3')
  })

  it('ends with the runtime: who waits is told, and nothing is left behind', async () => {
    const { runtime, coordinators, put } = await setUp()
    const waiting = put('a', '1')
    await runtime.settle()
    await coordinators.close()
    const late = put('b', '1')
    await runtime.settle()

    expect([waiting.now, late.now]).toEqual(['NOT_COORDINATOR', 'NOT_COORDINATOR'])
    expect(() => coordinators.scheduleLoadOperation(PARTITION, 9)).toThrow('shut down')
    expect(runtime.waiting).toEqual([])
  })

  it('costs nothing while it has nothing to do', async () => {
    const { runtime, log, put } = await setUp()
    put('a', '1')
    await runtime.settle()
    log.commit(PARTITION)
    await runtime.advance(TIMEOUT_MS + 1)
    const fired = runtime.firedTimers

    await runtime.advance(3_600_000)

    expect(runtime.firedTimers).toBe(fired)
  })
})

describe('a timer', () => {
  it('writes in turn with the other operations', async () => {
    const { runtime, log, shards } = await setUp()
    const [shard] = shards
    shard?.timer.schedule('late', 100, () => ({ ...shard.put('a', 'timed'), response: undefined }))
    await runtime.advance(99)
    expect(log.records).toEqual([])

    await runtime.advance(1)

    expect(log.records).toEqual([{ key: 'a', value: 'timed' }])
    expect(shard?.timer.isScheduled('late')).toBe(false)
  })

  it('does not run when it was cancelled or set anew while its turn was awaited', async () => {
    const { runtime, log, shards, put } = await setUp()
    const [shard] = shards
    let open = () => {}
    log.gate = new Promise(resolve => {
      open = resolve
    })
    put('x', '0')
    await runtime.settle()
    for (const key of ['cancelled', 'renewed']) {
      shard?.timer.schedule(key, 1, () => ({ ...shard.put(key, 'late'), response: undefined }))
    }
    await runtime.advance(2)
    shard?.timer.cancel('cancelled')
    shard?.timer.schedule('renewed', 10, () => ({ ...shard.put('renewed', 'new'), response: undefined }))
    open()
    await runtime.advance(20)

    expect(log.records.slice(1)).toEqual([{ key: 'renewed', value: 'new' }])
  })

  it('tries again when its records cannot be appended, but not when the operation refuses', async () => {
    const { runtime, log, shards } = await setUp()
    const [shard] = shards
    let refusals = 0
    shard?.timer.schedule('stubborn', 1, () => ({ ...shard.put('a', '1'), response: undefined }))
    log.nextError = APPEND_FAILURE
    await runtime.advance(2)
    shard?.timer.schedule('refused', 1, () => {
      refusals++
      throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
    })
    await runtime.advance(400)
    expect(log.records).toEqual([])

    await runtime.advance(1000)

    expect(log.records).toEqual([{ key: 'a', value: '1' }])
    expect(refusals).toBe(1)
  })

  it('is gone when the shard is unloaded', async () => {
    const { runtime, log, shards, coordinators } = await setUp()
    const [shard] = shards
    shard?.timer.schedule('late', 100, () => ({ ...shard.put('a', '1'), response: undefined }))
    coordinators.scheduleUnloadOperation(PARTITION, undefined)
    await runtime.advance(1000)

    expect(log.records).toEqual([])
  })
})

describe('a task', () => {
  it('runs beside the shard, one at a time of a key, and what comes of it is written', async () => {
    const { runtime, log, shards, committed } = await setUp()
    const [shard] = shards
    const ran: string[] = []
    const schedule = (value: string) =>
      shard?.executor.schedule(
        'slow',
        () => ran.push(value),
        count => ({ records: [{ key: 'count', value: `${count}` }], response: undefined }),
      )
    expect([schedule('first'), schedule('second')]).toEqual([true, false])
    expect(ran).toEqual([])
    await runtime.advance(1)

    expect(ran).toEqual(['first'])
    expect(shard?.executor.isScheduled('slow')).toBe(false)
    expect(schedule('third')).toBe(true)
    await runtime.advance(1)
    log.commit(PARTITION)
    await runtime.advance(1)
    const read = committed()
    await runtime.advance(1)
    expect(read.now).toEqual({ count: '2' })
  })

  it('counts for nothing when it was cancelled or the shard is gone', async () => {
    const { runtime, coordinators, shards, unexpected } = await setUp()
    const [shard] = shards
    const ran: string[] = []
    const operation = () => {
      ran.push('written')
      return { records: [], response: undefined }
    }
    shard?.executor.schedule('cancelled', () => shard.executor.cancel('cancelled'), operation)
    await runtime.advance(1)
    shard?.executor.schedule('unloaded', () => coordinators.scheduleUnloadOperation(PARTITION, undefined), operation)
    await runtime.advance(1)

    expect(ran).toEqual([])
    expect(shard?.executor.isScheduled('unloaded')).toBe(false)
    expect(unexpected).toEqual([])
  })

  it('that fails is told of and leaves its key free', async () => {
    const { runtime, shards, unexpected } = await setUp()
    const [shard] = shards
    const fault = new Error('a fault')
    const failing = () => {
      throw fault
    }
    shard?.executor.schedule('failing', failing, () => ({ records: [], response: undefined }))
    await runtime.advance(1)

    expect(unexpected).toEqual([fault])
    expect(shard?.executor.isScheduled('failing')).toBe(false)
  })
})
