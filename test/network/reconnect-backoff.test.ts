import { describe, expect, test } from 'vitest'
import { ReconnectBackoff } from '../../src/network/reconnect-backoff.ts'
import type { RandomStream } from '../../src/runtime/runtime.ts'

function drawing(float: number): RandomStream {
  return { float: () => float, int: low => low, bytes: length => Buffer.alloc(length) }
}

function pauses(float: number, failures: number): number[] {
  const backoff = new ReconnectBackoff({ initialMs: 50, maxMs: 500, random: drawing(float) })
  return Array.from({ length: failures }, () => {
    backoff.onDisconnected(1000)
    return backoff.remainingMs(1000)
  })
}

describe('ReconnectBackoff', () => {
  test('lets the first attempt be made at once', () => {
    expect(new ReconnectBackoff({ initialMs: 50, maxMs: 500, random: drawing(0.5) }).remainingMs(0)).toBe(0)
  })

  test('doubles the pause with each failure in a row, up to its bound', () => {
    expect(pauses(0.5, 6)).toEqual([50, 100, 200, 400, 500, 500])
  })

  test('draws a fifth less or more, and never more than its bound', () => {
    expect(pauses(0, 6)).toEqual([40, 80, 160, 320, 400, 400])
    expect(pauses(0.9999, 6)).toEqual([59, 119, 239, 479, 500, 500])
  })

  test('counts from the failure, and begins anew after a connection was made', () => {
    const backoff = new ReconnectBackoff({ initialMs: 50, maxMs: 500, random: drawing(0.5) })
    backoff.onDisconnected(1000)
    backoff.onDisconnected(1000)
    expect(backoff.remainingMs(1030)).toBe(70)
    expect(backoff.remainingMs(1200)).toBe(0)

    backoff.onConnected()
    backoff.onDisconnected(2000)
    expect(backoff.remainingMs(2000)).toBe(50)
  })
})
