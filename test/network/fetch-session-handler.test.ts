import { describe, expect, test } from 'vitest'
import { FetchSessionHandler, type FetchTarget } from '../../src/network/fetch-session-handler.ts'
import type { FetchResponse } from '../../src/protocol/apis/fetch.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { TOPIC_ID } from '../log/log-fixture.ts'

function target(partition: number, fetchOffset = 0): FetchTarget {
  return {
    partition: { topic: 'orders', topicId: TOPIC_ID, partition },
    fetchOffset,
    logStartOffset: 0,
    currentLeaderEpoch: 0,
    lastFetchedEpoch: -1,
  }
}

function response(sessionId: number, partitions: readonly number[], errorCode = 0): FetchResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    sessionId,
    nodeEndpoints: [],
    responses: [
      {
        topic: '',
        topicId: TOPIC_ID,
        partitions: partitions.map(partitionIndex => ({
          partitionIndex,
          errorCode: 0,
          highWatermark: 0,
          lastStableOffset: 0,
          logStartOffset: 0,
          divergingEpoch: { epoch: -1, endOffset: -1 },
          currentLeader: { leaderId: -1, leaderEpoch: -1 },
          snapshotId: { endOffset: -1, epoch: -1 },
          abortedTransactions: null,
          preferredReadReplica: -1,
          records: null,
        })),
      },
    ],
  }
}

/** In session 9, which fetches the partitions 0 and 1. */
function inSession(): FetchSessionHandler {
  const handler = new FetchSessionHandler()
  handler.buildRequest([target(0), target(1)])
  handler.handleResponse(response(9, [0, 1]))
  return handler
}

describe('a fetch session', () => {
  test('begins with everything', () => {
    const handler = new FetchSessionHandler()
    const targets = [target(0), target(1)]
    expect(handler.buildRequest(targets)).toEqual({ sessionId: 0, sessionEpoch: 0, toSend: targets, toForget: [] })
    expect(handler.handleResponse(response(9, [0, 1])).map(({ target }) => target)).toEqual(targets)
  })

  test('goes on with what is new', () => {
    const handler = inSession()
    const request = handler.buildRequest([target(0), target(1, 5), target(2)])
    expect(request).toEqual({ sessionId: 9, sessionEpoch: 1, toSend: [target(1, 5), target(2)], toForget: [] })
    handler.handleResponse(response(9, []))
    expect(handler.buildRequest([target(0), target(1, 5), target(2)])).toMatchObject({ sessionEpoch: 2, toSend: [] })
  })

  test('forgets what is not wanted any more', () => {
    const handler = inSession()
    expect(handler.buildRequest([target(1), target(2)])).toMatchObject({
      toSend: [target(2)],
      toForget: [{ topic: 'orders', topicId: TOPIC_ID, partition: 0 }],
    })
  })

  test('gives answers with what was asked, also for what was not asked anew', () => {
    const handler = inSession()
    handler.buildRequest([target(0), target(1, 5)])
    expect(handler.handleResponse(response(9, [0, 1])).map(({ target }) => target)).toEqual([target(0), target(1, 5)])
  })

  test.each([
    ['is not known to the broker', ErrorCode.FETCH_SESSION_ID_NOT_FOUND, 0],
    ['is at another request by the broker’s count', ErrorCode.INVALID_FETCH_SESSION_EPOCH, 9],
  ])('begins anew when it %s', (_, errorCode, sessionId) => {
    const handler = inSession()
    handler.buildRequest([target(0), target(1)])
    expect(handler.handleResponse(response(9, [], errorCode))).toEqual([])
    const targets = [target(0), target(1)]
    expect(handler.buildRequest(targets)).toEqual({ sessionId, sessionEpoch: 0, toSend: targets, toForget: [] })
  })

  test('begins anew after a request that failed, so that the broker drops the old one', () => {
    const handler = inSession()
    handler.buildRequest([target(0)])
    handler.handleError()
    expect(handler.buildRequest([target(0)])).toMatchObject({ sessionId: 9, sessionEpoch: 0, toSend: [target(0)] })
  })

  test('ends with a last request that asks for nothing', () => {
    expect(inSession().buildCloseRequest()).toEqual({ sessionId: 9, sessionEpoch: -1, toSend: [], toForget: [] })
    expect(new FetchSessionHandler().buildCloseRequest()).toBeUndefined()
  })

  test('finds the topics of old responses by their names', () => {
    const handler = new FetchSessionHandler()
    handler.buildRequest([target(0)])
    const { responses, ...rest } = response(9, [0])
    const named = responses.map(topic => ({ ...topic, topic: 'orders', topicId: ZERO_UUID }))
    expect(handler.handleResponse({ ...rest, responses: named }).map(({ target }) => target)).toEqual([target(0)])
  })

  test('is not needed: everything is asked for each time when the broker gives none', () => {
    const handler = new FetchSessionHandler()
    handler.buildRequest([target(0)])
    expect(handler.handleResponse(response(0, [0]))).toHaveLength(1)
    expect(handler.buildRequest([target(0)])).toMatchObject({ sessionId: 0, sessionEpoch: 0, toSend: [target(0)] })
  })

  test('takes no answer about partitions that it does not fetch, nor a first one that lacks some', () => {
    const handler = inSession()
    handler.buildRequest([target(0), target(1)])
    expect(handler.handleResponse(response(9, [7]))).toEqual([])
    expect(handler.buildRequest([target(0), target(1)])).toMatchObject({ sessionEpoch: 0 })
    expect(handler.handleResponse(response(10, [0]))).toEqual([])
  })
})
