import { describe, expect, it } from 'vitest'
import { Probes } from '../../harness/trial/probes.ts'
import { ResponseGate } from '../../harness/trial/response-gate.ts'
import type { RequestInfo } from '../../src/network/request-observer.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { ANSWER } from '../faults/soundness.ts'
import { onStage } from '../faults/stage.ts'

function infoOf(apiName: string): RequestInfo {
  return {
    brokerName: 'broker-1',
    apiKey: 0,
    apiName,
    apiVersion: 9,
    clientId: 'app-0',
    connectionId: 'broker-1:9092-app-0:32768-0',
    correlationId: 1,
    listener: 'PLAINTEXT',
    nth: 1,
  }
}

function gate(): { readonly gate: ResponseGate; readonly probes: Probes } {
  const probes = new Probes()
  return { probes, gate: new ResponseGate(probes) }
}

describe('ResponseGate', () => {
  it('counts what was received and handled, and has in hand what lies between', () => {
    const { gate: it, probes } = gate()

    for (const stage of ['received', 'received', 'dequeued', 'handled'] as const) it.onRequest(infoOf('Produce'), stage)

    expect(it.counts).toEqual({ received: 2, handled: 1, abandoned: 0 })
    expect(it.inHand).toBe(1)
    expect([...probes.counts]).toEqual([['produce-handled', 1]])
  })

  it('tells of every stage of every request', () => {
    const { gate: it } = gate()
    let looks = 0
    it.onStage = () => looks++

    for (const stage of ['received', 'dequeued', 'handled'] as const) it.onRequest(infoOf('Metadata'), stage)

    expect(looks).toBe(3)
  })

  it('calls back when a request of an API was handled, until whoever waits has had enough', () => {
    const { gate: it } = gate()
    const called: string[] = []
    it.onHandled('Produce', () => called.push('once') > 0)
    it.onHandled('Produce', () => called.push('twice') > 3)
    it.onHandled('Metadata', () => called.push('never') > 0)

    for (let request = 0; request < 5; request++) it.onRequest(infoOf('Produce'), 'handled')

    expect(called).toEqual(['once', 'twice', 'twice', 'twice'])
  })

  it('sends answers unless a rule says otherwise; the rule that came first decides', () => {
    const { gate: it } = gate()
    let nth = 0
    it.add(({ apiName }) => (apiName === 'Produce' && ++nth === 2 ? { delayMs: 5 } : undefined))
    it.add(({ apiName }) => (apiName === 'Produce' ? 'drop' : undefined))

    expect(it.onResponse(infoOf('Metadata'), ANSWER)).toBe('send')
    expect(it.onResponse(infoOf('Produce'), ANSWER)).toBe('drop')
    expect(it.onResponse(infoOf('Produce'), ANSWER)).toEqual({ delayMs: 5 })
  })

  it('no longer asks a rule that was ended', () => {
    const { gate: it } = gate()
    const end = it.add(() => 'drop')

    end()

    expect(it.onResponse(infoOf('Produce'), ANSWER)).toBe('send')
  })

  it('refuses a request as the first rule says that has something to say, and none when rules have ended', () => {
    const { gate: it } = gate()
    it.refuse(() => undefined)
    const end = it.refuse(({ api }) => (api.name === 'Metadata' ? ErrorCode.NOT_COORDINATOR : undefined))
    it.refuse(() => ErrorCode.REQUEST_TIMED_OUT)

    expect(it.onHandle(ANSWER.request)).toBe(ErrorCode.NOT_COORDINATOR)
    end()
    expect(it.onHandle(ANSWER.request)).toBe(ErrorCode.REQUEST_TIMED_OUT)
    expect(gate().gate.onHandle(ANSWER.request)).toBeUndefined()
  })

  it('knows of answers to Produce that were lost, and of no others', () => {
    const { gate: it, probes } = gate()
    it.add(() => 'drop')

    it.onResponse(infoOf('Metadata'), ANSWER)
    expect(probes.counts.has('produce-answer-lost')).toBe(false)
    it.onResponse(infoOf('Produce'), ANSWER)

    expect(probes.counts.get('produce-answer-lost')).toBe(1)
  })

  it.each([
    [true, 1],
    [false, undefined],
  ])('gives up what a broker had in hand when it ended (uncleanly: %s)', (unclean, hits) => {
    const { gate: it, probes } = gate()
    for (let request = 0; request < 3; request++) it.onRequest(infoOf('Produce'), 'received')
    it.onRequest(infoOf('Produce'), 'handled')

    it.abandon(unclean)

    expect(it.counts).toEqual({ received: 3, handled: 1, abandoned: 2 })
    expect(it.inHand).toBe(0)
    expect(probes.counts.get('killed-with-requests-in-hand')).toBe(hits)
  })

  it('accounts for every request of a broker that is killed with requests in hand and starts again', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      await stage.begin({ kind: 'slow-disk', forMs: 60_000, amount: 5000 })
      const lost = stage.produce(client).catch(() => undefined)
      await stage.world.sleep(5)
      expect(stage.gate.inHand).toBe(1)

      await stage.begin({ kind: 'kill', forMs: 10 })
      await lost
      stage.plan.heal()
      await stage.running()
      await stage.produce(await stage.connect())

      const { received, handled, abandoned } = stage.gate.counts
      expect(abandoned).toBe(1)
      expect(received).toBe(handled + abandoned)
      expect(stage.probes.counts.get('killed-with-requests-in-hand')).toBe(1)
    })
  })

  it('hears nothing more of a broker that halts while it handles a request', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      await stage.begin({ kind: 'full-disk', forMs: 60_000 })

      await stage.produce(client).catch(() => undefined)

      const { received, handled, abandoned } = stage.gate.counts
      expect(stage.broker.state).toBe('down')
      expect(stage.gate.inHand).toBe(0)
      expect(received).toBe(handled + abandoned)
    })
  })
})
