import { describe, expect, test } from 'vitest'
import { ClusterConnectionStates } from '../../src/clients/cluster-connection-states.ts'
import { ExponentialBackoff } from '../../src/clients/exponential-backoff.ts'
import { AleaRandom } from '../../src/runtime/random-alea.ts'

const random = () => new AleaRandom('states').stream('s')

function states(): ClusterConnectionStates {
  return new ClusterConnectionStates({
    reconnectBackoffMs: 50,
    reconnectBackoffMaxMs: 1000,
    connectionSetupTimeoutMs: 10_000,
    connectionSetupTimeoutMaxMs: 30_000,
    random: random(),
  })
}

describe('an exponential backoff', () => {
  test('doubles with some jitter, up to its maximum', () => {
    const options = { initialIntervalMs: 100, multiplier: 2, maxIntervalMs: 1000, jitter: 0.2, random: random() }
    const backoff = new ExponentialBackoff(options)
    for (const [attempts, expected] of [100, 200, 400, 800, 1000, 1000].entries()) {
      const pause = backoff.backoff(attempts)
      expect(pause).toBeGreaterThanOrEqual(Math.floor(expected * 0.8))
      expect(pause).toBeLessThanOrEqual(Math.min(1000, Math.ceil(expected * 1.2)))
    }
  })

  test('is constant when the maximum is not above the initial interval', () => {
    const options = { initialIntervalMs: 100, multiplier: 2, maxIntervalMs: 50, jitter: 0.2, random: random() }
    expect([0, 1, 9].map(attempts => new ExponentialBackoff(options).backoff(attempts))).toEqual([50, 50, 50])
  })
})

describe('the states of connections', () => {
  test('a node that was never connected to may be at once', () => {
    expect(states().canConnect(1, 0)).toBe(true)
    expect(states().connectionDelay(1, 0)).toBe(0)
  })

  test('after each failure the next attempt waits longer, after a success as at first', () => {
    const made = states()
    const delayAfterFailure = () => {
      made.connecting(1, 0, 'h')
      made.disconnected(1, 0)
      return made.connectionDelay(1, 0)
    }
    const delays = Array.from({ length: 6 }, delayAfterFailure)
    expect(delays[0]).toBeLessThanOrEqual(60)
    expect(delays[5]).toBeGreaterThanOrEqual(800)
    expect(made.canConnect(1, 100)).toBe(false)
    expect(made.canConnect(1, 1000)).toBe(true)
    made.connecting(1, 0, 'h')
    made.checkingApiVersions(1)
    made.ready(1)
    made.disconnected(1, 0)
    expect(made.connectionDelay(1, 0)).toBeLessThanOrEqual(60)
  })

  test('a connection that could not be made has longer to be made the next time', () => {
    const made = states()
    made.connecting(1, 0, 'h')
    expect(made.connectionSetupTimeoutMs(1)).toBeLessThanOrEqual(12_000)
    made.disconnected(1, 0)
    made.connecting(1, 0, 'h')
    expect(made.connectionSetupTimeoutMs(1)).toBeGreaterThanOrEqual(16_000)
    made.checkingApiVersions(1)
    expect(made.connectionSetupTimeoutMs(1)).toBeLessThanOrEqual(12_000)
  })

  test('a throttled node is not ready until its time is over', () => {
    const made = states()
    made.connecting(1, 0, 'h')
    made.checkingApiVersions(1)
    expect(made.isReady(1, 0)).toBe(false)
    made.ready(1)
    expect(made.isReady(1, 0)).toBe(true)
    made.throttle(1, 500)
    expect(made.isReady(1, 499)).toBe(false)
    expect(made.pollDelayMs(1, 499)).toBe(1)
    expect(made.isReady(1, 500)).toBe(true)
  })
})
