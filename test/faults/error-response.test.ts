import { describe, expect, it } from 'vitest'
import { canAnswer, ERROR_ANSWERS } from '../../harness/faults/error-answers.ts'
import type { ClusterNode } from '../../harness/trial/cluster-node.ts'
import { ERROR_ANSWER_NAMES, type Fault } from '../../harness/trial/scenario.ts'
import { Fetch } from '../../src/protocol/apis/fetch.ts'
import { FindCoordinator } from '../../src/protocol/apis/find-coordinator.ts'
import { API_BY_KEY } from '../../src/protocol/apis/index.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { ErrorCode, errorName } from '../../src/protocol/errors.ts'
import { buildBatch } from '../../src/protocol/records/batch.ts'
import { onStage, type Stage, type StageOptions, TOPIC } from './stage.ts'

const REPLICATED: StageOptions = {
  cluster: { brokers: 3 },
  topic: { replicationFactor: 3, config: { 'min.insync.replicas': '2' } },
}

function errorResponse(error: Fault['error'], forMs: number, more: Partial<Fault> = {}): Omit<Fault, 'at'> {
  return { kind: 'error-response', forMs, ...(error === undefined ? {} : { error }), ...more }
}

function leaderOf(stage: Stage): ClusterNode {
  const leader = stage.cluster.resolve('leader', 0)
  if (leader === undefined) throw new Error('nobody leads')
  return leader
}

function logEnd(stage: Stage): number | undefined {
  return leaderOf(stage)
    .replicas()
    .find(({ topic, isLeader }) => topic === TOPIC && isLeader)?.logEndOffset
}

/** Appends a record on the leader; what it says of it. */
async function produce(
  stage: Stage,
  acks: -1 | 1 = -1,
  timeoutMs = 30_000,
): Promise<{ error: string; offset: number }> {
  const client = await stage.connect(0, leaderOf(stage))
  const records = buildBatch({ records: [{ value: Buffer.alloc(10), timestamp: stage.broker.host.clock.wallMs() }] })
  const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }]
  const { responses } = await client.send(Produce, 9, { acks, timeoutMs, topicData })
  const partition = responses[0]?.partitionResponses[0]
  if (partition === undefined) throw new Error('an answer without the partition')
  return { error: errorName(partition.errorCode), offset: partition.baseOffset }
}

describe('error-response', () => {
  it('refuses requests while it lasts: nothing is done, and afterwards all is as before', async () => {
    await onStage(async stage => {
      await stage.begin(errorResponse('Produce NOT_LEADER_OR_FOLLOWER', 500))

      expect(await produce(stage)).toEqual({ error: 'NOT_LEADER_OR_FOLLOWER', offset: -1 })
      expect(await produce(stage, 1)).toEqual({ error: 'NOT_LEADER_OR_FOLLOWER', offset: -1 })
      expect(logEnd(stage)).toBe(0)
      await stage.world.sleep(501)

      expect(await produce(stage)).toEqual({ error: 'NONE', offset: 0 })
      expect(stage.injected('error-response')).toBe(1)
      expect(stage.story[0]).toMatch(/^broker-\d refuses a Produce of app-0 with NOT_LEADER_OR_FOLLOWER$/)
    }, REPLICATED)
  })

  it('tells an error of one request that was carried out, with its offset, as Kafka does', async () => {
    await onStage(async stage => {
      await stage.begin(errorResponse('Produce NOT_ENOUGH_REPLICAS_AFTER_APPEND', 500))

      expect(await produce(stage)).toEqual({ error: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', offset: 0 })
      expect(logEnd(stage)).toBe(1)
      expect(await produce(stage)).toEqual({ error: 'NONE', offset: 1 })
    }, REPLICATED)
  })

  it('leaves requests alone that cannot have the error: with acks=1 nobody waits for replicas', async () => {
    await onStage(async stage => {
      await stage.begin(errorResponse('Produce NOT_ENOUGH_REPLICAS', 500))

      expect(await produce(stage, 1)).toEqual({ error: 'NONE', offset: 0 })
      expect((await produce(stage)).error).toBe('NOT_ENOUGH_REPLICAS')
    }, REPLICATED)
  })

  it('tells that a request has timed out when its time is over, not before', async () => {
    await onStage(async stage => {
      await stage.begin(errorResponse('Produce REQUEST_TIMED_OUT after append', 100))
      const startMs = stage.world.nowMs

      expect(await produce(stage, -1, 700)).toEqual({ error: 'REQUEST_TIMED_OUT', offset: 0 })
      expect(stage.world.nowMs - startMs).toBeGreaterThan(700)
      expect(stage.world.nowMs - startMs).toBeLessThan(750)
    }, REPLICATED)
  })

  it('triggered by the nth request of its API is about that one', async () => {
    await onStage(async stage => {
      stage.arm({
        ...errorResponse('Produce NOT_LEADER_OR_FOLLOWER after append', 500),
        at: { request: 'Produce', nth: 2 },
      })

      const errors = [await produce(stage), await produce(stage), await produce(stage)].map(({ error }) => error)

      expect(errors).toEqual(['NONE', 'NOT_LEADER_OR_FOLLOWER', 'NONE'])
      expect(logEnd(stage)).toBe(3)
    }, REPLICATED)
  })

  it('triggered by a request of another API begins with it', async () => {
    await onStage(async stage => {
      stage.arm({ ...errorResponse(undefined, 500), at: { request: 'Metadata', nth: 1 } })

      expect((await produce(stage)).error).toBe('NONE')
      await stage.ask(await stage.connect())
      await stage.world.sleep(1)

      expect((await produce(stage)).error).toBe('NOT_LEADER_OR_FOLLOWER')
    }, REPLICATED)
  })

  it('hides leaders in answers to Metadata, and says of brokers what they are', async () => {
    await onStage(async stage => {
      await stage.begin(errorResponse('Metadata LEADER_NOT_AVAILABLE', 500, { on: 0 }))
      const ask = async (broker: number) => {
        const client = await stage.connect(0, stage.node(broker))
        const { brokers, topics } = await client.send(Metadata, 9, { topics: [{ name: TOPIC }] })
        return { brokers: brokers.length, partition: topics[0]?.partitions[0] }
      }

      expect(await ask(1)).toMatchObject({
        brokers: 3,
        partition: { errorCode: ErrorCode.LEADER_NOT_AVAILABLE, leaderId: -1, replicaNodes: { length: 3 } },
      })
      expect((await ask(2)).partition?.errorCode).toBe(ErrorCode.NONE)
      await stage.world.sleep(501)
      expect((await ask(1)).partition?.leaderId).toBeGreaterThan(0)
    }, REPLICATED)
  })

  it('keeps records from consumers, not from followers', async () => {
    await onStage(async stage => {
      await stage.begin(errorResponse('Fetch NOT_LEADER_OR_FOLLOWER', 500))
      const client = await stage.connect(0, leaderOf(stage))

      expect(await produce(stage)).toEqual({ error: 'NONE', offset: 0 })
      const fetchedAt = async () => {
        const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 10_000 }]
        const { responses } = await client.send(Fetch, 11, {
          maxWaitMs: 100,
          minBytes: 1,
          topics: [{ topic: TOPIC, partitions }],
        })
        return responses[0]?.partitions[0]
      }

      expect(await fetchedAt()).toMatchObject({
        errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
        highWatermark: -1,
        records: { length: 0 },
      })
      await stage.world.sleep(501)
      expect(await fetchedAt()).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: 1 })
    }, REPLICATED)
  })

  it('refuses requests for coordinators in the form of their version', async () => {
    await onStage(async stage => {
      await stage.begin(errorResponse('FindCoordinator COORDINATOR_NOT_AVAILABLE', 500))
      const client = await stage.connect()
      const { COORDINATOR_NOT_AVAILABLE: errorCode } = ErrorCode

      expect(await client.send(FindCoordinator, 2, { key: 'g', keyType: 0 })).toMatchObject({ errorCode, nodeId: -1 })
      expect(await client.send(FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['g'] })).toMatchObject({
        coordinators: [{ key: 'g', errorCode, nodeId: -1 }],
      })
    }, REPLICATED)
  })

  it('does nothing where Kafka could not give its error', async () => {
    await onStage(async stage => {
      await stage.begin(errorResponse('Produce NOT_ENOUGH_REPLICAS', 500))

      expect((await produce(stage)).error).toBe('NONE')
      expect(stage.injected('error-response')).toBe(0)
    })
  })
})

describe('the errors that can be answered', () => {
  it.each(ERROR_ANSWER_NAMES)('%s is what its name says, of an API and an error that there are', name => {
    const { api, errorCode, source, instead } = ERROR_ANSWERS[name]

    expect(name.split(' ').slice(0, 2)).toEqual([api, errorName(errorCode)])
    expect([...API_BY_KEY.values()].map(known => known.name)).toContain(api)
    expect(name.includes(' after ') || name.endsWith('_AFTER_APPEND')).toBe(instead?.wrote === true)
    expect(source).toMatch(/^[A-Z]\w+(\.\w+)?[,:] ?/)
  })

  it.each(ERROR_ANSWER_NAMES)('%s can come up in a cluster of three brokers', error => {
    const topic = { name: TOPIC, partitions: 1, replicationFactor: 3, config: { 'min.insync.replicas': '2' } }
    const cluster = { brokers: 3, controllers: 1, roles: 'combined', config: {}, topic } as const

    expect(canAnswer({ kind: 'error-response', at: { ms: 0 }, forMs: 0, error }, cluster)).toBe(true)
  })
})
