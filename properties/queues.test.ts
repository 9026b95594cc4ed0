import { describe, expect, it } from 'vitest'
import { runTrial, scenarioFromSeed, trialSeed } from '../harness/index.ts'
import { findings, holds } from './support/judge.ts'

const QUEUE_FAULTS = [
  'full-request-queue',
  'full-connection-queue',
  'full-send-buffer',
  'stall-reader',
  'slow-cpu',
] as const

describe('full queues', () => {
  it('push back, stay within their bounds and lose nothing', async () => {
    await holds({ faults: QUEUE_FAULTS, set: { 'queued.max.requests': '2' }, require: ['bounded-queues'] }, 60, 401)
  })

  it('really fill in these trials: the request queue and the listen backlog', async () => {
    const probes = new Set<string>()
    for (let trial = 0; trial < 40; trial++) {
      const set = { 'queued.max.requests': '2' }
      const options = { faults: QUEUE_FAULTS, set, brokers: 1 }
      const result = await runTrial(scenarioFromSeed(trialSeed('q', trial), options))
      expect(findings(result)).toEqual([])
      for (const probe of result.probes.keys()) probes.add(probe)
    }
    expect([...probes]).toContain('request-queue-full')
    expect([...probes]).toContain('acceptor-backlog-full')
  })
})
