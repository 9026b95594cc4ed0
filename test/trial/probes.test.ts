import { describe, expect, it } from 'vitest'
import { Probes } from '../../harness/trial/probes.ts'

describe('Probes', () => {
  it('count how often each state was reached', () => {
    const probes = new Probes()

    probes.hit('send-failed')
    probes.hit('broker-halted')
    probes.hit('send-failed')

    expect([...probes.counts]).toEqual([
      ['send-failed', 2],
      ['broker-halted', 1],
    ])
  })

  it('call everyone who waits for a state once, in the order in which they asked', () => {
    const probes = new Probes()
    const called: string[] = []
    probes.onFirst('send-failed', () => called.push('first'))
    probes.onFirst('send-failed', () => called.push('second'))
    probes.onFirst('broker-halted', () => called.push('never'))

    probes.hit('send-failed')
    probes.hit('send-failed')

    expect(called).toEqual(['first', 'second'])
  })

  it('call back at once who asks for a state that was reached before', () => {
    const probes = new Probes()
    probes.hit('send-failed')
    let called = 0

    probes.onFirst('send-failed', () => called++)
    probes.hit('send-failed')

    expect(called).toBe(1)
  })

  it('never call back who waits for a state that there is not', () => {
    const probes = new Probes()
    let called = 0
    probes.onFirst('the-sun-rises', () => called++)

    probes.hit('send-failed')

    expect(called).toBe(0)
  })
})
