import { describe, expect, test } from 'vitest'
import { RequestManager } from '../../src/raft/request-manager.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

function manager(voterIds: readonly number[] = [1, 2, 3]): RequestManager {
  const random = createManualRuntime().random.stream('requests')
  return new RequestManager({ voterIds, retryBackoffMs: 20, requestTimeoutMs: 2000, random })
}

describe('RequestManager', () => {
  test('has one request under way to each voter', () => {
    const requests = manager()
    const correlationId = requests.onRequestSent(2, 100)

    expect(requests.isReady(2, 101)).toBe(false)
    expect(requests.isReady(3, 101)).toBe(true)
    expect(requests.timeUntilReadyMs(2, 600)).toBe(1500)
    requests.onResponseResult(2, correlationId, true, 600)
    expect(requests.isReady(2, 600)).toBe(true)
  })

  test('waits equally long after each failure, and not at all after a success', () => {
    const requests = manager()
    const waits: number[] = []
    for (let attempt = 0; attempt < 4; attempt++) {
      requests.onResponseResult(2, requests.onRequestSent(2, 0), false, 0)
      waits.push(requests.timeUntilReadyMs(2, 0))
    }
    requests.onResponseResult(2, requests.onRequestSent(2, 0), true, 0)

    expect(waits).toEqual([20, 20, 20, 20])
    expect(requests.isReady(2, 0)).toBe(true)
  })

  test('takes no answer that is not waited for any more', () => {
    const requests = manager()
    const first = requests.onRequestSent(2, 0)
    requests.reset(2)
    const second = requests.onRequestSent(2, 1)

    expect(requests.isResponseExpected(2, first)).toBe(false)
    expect(requests.isResponseExpected(2, second)).toBe(true)
    requests.onResponseResult(2, first, true, 2)
    expect(requests.isReady(2, 2)).toBe(false)
    requests.resetAll()
    expect(requests.isResponseExpected(2, second)).toBe(false)
  })

  test('gives an answer up after the request timeout', () => {
    const requests = manager()
    requests.onRequestSent(2, 0)

    expect(requests.hasRequestTimedOut(2, 1999)).toBe(false)
    expect(requests.hasRequestTimedOut(2, 2000)).toBe(true)
    expect(requests.isReady(2, 2000)).toBe(true)
  })

  test('finds any other voter that is ready, but none while a request is under way', () => {
    const requests = manager()
    const found = new Set(Array.from({ length: 50 }, () => requests.findReadyVoter(1, 0)))
    expect([...found].sort()).toEqual([2, 3])

    requests.onResponseResult(2, requests.onRequestSent(2, 0), false, 0)
    expect(requests.findReadyVoter(1, 0)).toBe(3)
    requests.onRequestSent(3, 0)
    expect(requests.findReadyVoter(1, 0)).toBeUndefined()
    expect(requests.timeUntilAnyReadyMs(1, 0)).toBe(2000)
    expect(manager([1]).findReadyVoter(1, 0)).toBeUndefined()
    expect(manager([1]).timeUntilAnyReadyMs(1, 0)).toBe(Number.POSITIVE_INFINITY)
  })
})
