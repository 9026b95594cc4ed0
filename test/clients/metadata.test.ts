import { describe, expect, test } from 'vitest'
import { InvalidTopicException, TopicAuthorizationException } from '../../src/clients/errors.ts'
import { Metadata } from '../../src/clients/metadata.ts'
import { Metadata as MetadataApi, type MetadataResponse } from '../../src/protocol/apis/metadata.ts'
import { decodeResponse, encodeResponse } from '../../src/protocol/codec.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { AleaRandom } from '../../src/runtime/random-alea.ts'

const T0 = { topic: 't', partition: 0 }
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAg'
const OTHER_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAw'

function metadata(): Metadata {
  const made = new Metadata({
    retryBackoffMs: 100,
    retryBackoffMaxMs: 1000,
    metadataMaxAgeMs: 300_000,
    random: new AleaRandom('metadata').stream('m'),
  })
  made.bootstrap([{ host: 'boot', port: 1 }])
  return made
}

interface Told {
  readonly leaderId?: number
  readonly leaderEpoch?: number
  readonly topicId?: string
  readonly topicError?: number
  readonly partitionError?: number
}

function response(told: Told = {}): MetadataResponse {
  const { leaderId = 1, leaderEpoch = 0, topicId = TOPIC_ID, topicError = 0, partitionError = 0 } = told
  const partition = { partitionIndex: 0, leaderId, leaderEpoch, replicaNodes: [1, 2], isrNodes: [1] }
  const body = {
    brokers: [1, 2].map(nodeId => ({ nodeId, host: `b${nodeId}`, port: 9092 })),
    clusterId: 'c',
    controllerId: 1,
    topics: [{ errorCode: topicError, name: 't', topicId, partitions: [{ errorCode: partitionError, ...partition }] }],
  }
  return decodeResponse(MetadataApi, 13, encodeResponse(MetadataApi, 13, 0, body)).body
}

function updated(...answers: readonly MetadataResponse[]): Metadata {
  const made = metadata()
  for (const answer of answers) made.update(made.newMetadataRequestAndVersion(0).requestVersion, answer, false, 0)
  return made
}

describe('when metadata is asked for', () => {
  test('at once after the start, not again before its age is over', () => {
    const made = metadata()
    expect(made.timeToNextUpdate(0)).toBe(0)
    made.update(0, response(), false, 1000)
    expect(made.timeToNextUpdate(1000)).toBe(300_000)
    expect(made.timeToNextUpdate(301_000)).toBe(0)
  })

  test('after a failure not before the backoff, which grows', () => {
    const made = metadata()
    made.failedUpdate(0)
    const first = made.timeToNextUpdate(0)
    for (let failure = 0; failure < 5; failure++) made.failedUpdate(0)
    expect(first).toBeGreaterThanOrEqual(80)
    expect(first).toBeLessThanOrEqual(120)
    expect(made.timeToNextUpdate(0)).toBeGreaterThanOrEqual(800)
  })

  test('answers that say nothing new make the pauses longer, news make them short again', () => {
    const answers = Array.from({ length: 6 }, () => response({ leaderEpoch: 3 }))
    const made = updated(...answers)
    made.requestUpdate(false)
    expect(made.timeToNextUpdate(0)).toBeGreaterThan(500)
    made.update(0, response({ leaderEpoch: 4 }), false, 0)
    made.requestUpdate(false)
    expect(made.timeToNextUpdate(0)).toBeLessThanOrEqual(120)
  })

  test('again when a partition has an error that tells of stale metadata', () => {
    const made = updated(response({ partitionError: ErrorCode.LEADER_NOT_AVAILABLE, leaderId: -1 }))
    expect(made.updateRequested).toBe(true)
    expect(made.fetch().leaderFor(T0)).toBeUndefined()
  })

  test('for new topics without waiting', () => {
    const made = updated(response())
    made.requestUpdateForNewTopics()
    expect(made.timeToNextUpdate(0)).toBe(0)
  })

  test('an answer to a request from before a topic was added leaves it to be asked for', () => {
    const made = metadata()
    const { requestVersion } = made.newMetadataRequestAndVersion(0)
    made.requestUpdateForNewTopics()
    made.update(requestVersion, response(), false, 0)
    expect(made.updateRequested).toBe(true)
  })
})

describe('leaders and their epochs', () => {
  test('an older epoch is not believed', () => {
    const made = updated(response({ leaderId: 1, leaderEpoch: 5 }), response({ leaderId: 2, leaderEpoch: 4 }))
    expect(made.fetch().leaderFor(T0)?.id).toBe(1)
    expect(made.lastSeenLeaderEpoch(T0)).toBe(5)
  })

  test('unless the topic is another one of the same name', () => {
    const again = response({ leaderId: 2, leaderEpoch: 0, topicId: OTHER_TOPIC_ID })
    const made = updated(response({ leaderEpoch: 5 }), again)
    expect(made.fetch().leaderFor(T0)?.id).toBe(2)
    expect(made.lastSeenLeaderEpoch(T0)).toBe(0)
    expect(made.fetch().topicName(OTHER_TOPIC_ID)).toBe('t')
  })

  test('a newer epoch that was seen elsewhere makes what is known stale', () => {
    const made = updated(response({ leaderEpoch: 5 }))
    expect(made.updateLastSeenEpochIfNewer(T0, 5)).toBe(false)
    expect(made.updateLastSeenEpochIfNewer(T0, 6)).toBe(true)
    expect(made.updateRequested).toBe(true)
    expect(made.currentLeader(T0)).toEqual({ leader: undefined, epoch: 6 })
  })

  test('a leader that an error names is taken when it is newer and its node is known (KIP-951)', () => {
    const made = updated(response({ leaderId: 1, leaderEpoch: 5 }))
    expect(made.updatePartitionLeadership([{ ...T0, leaderId: 2, leaderEpoch: 5 }], [])).toEqual([])
    expect(made.updatePartitionLeadership([{ ...T0, leaderId: 9, leaderEpoch: 6 }], [])).toEqual([])
    const node = { id: 9, host: 'b9', port: 1 }
    expect(made.updatePartitionLeadership([{ ...T0, leaderId: 9, leaderEpoch: 6 }], [node])).toHaveLength(1)
    expect(made.fetch().leaderFor(T0)).toEqual(node)
    expect(made.fetch().topicId('t')).toBe(TOPIC_ID)
  })

  test('beginning anew forgets the cluster', () => {
    const made = updated(response())
    made.rebootstrap()
    expect(made.fetch().nodes).toEqual([{ id: -1, host: 'boot', port: 1 }])
    expect(made.updateRequested).toBe(true)
  })
})

describe('errors of topics', () => {
  test('are thrown once', () => {
    const unauthorized = updated(response({ topicError: ErrorCode.TOPIC_AUTHORIZATION_FAILED }))
    expect(() => unauthorized.maybeThrowExceptionForTopic('t')).toThrow(TopicAuthorizationException)
    unauthorized.maybeThrowExceptionForTopic('t')
    const invalid = updated(response({ topicError: ErrorCode.INVALID_TOPIC_EXCEPTION }))
    expect(() => invalid.maybeThrowAnyException()).toThrow(InvalidTopicException)
    invalid.maybeThrowAnyException()
  })
})
