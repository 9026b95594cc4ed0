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
    probes.onNth('send-failed', 1, () => called.push('first'))
    probes.onNth('send-failed', 1, () => called.push('second'))
    probes.onNth('send-failed', 3, () => called.push('third time'))
    probes.onNth('broker-halted', 1, () => called.push('never'))

    probes.hit('send-failed')
    probes.hit('send-failed')

    expect(called).toEqual(['first', 'second'])
    probes.hit('send-failed')
    probes.hit('send-failed')
    expect(called).toEqual(['first', 'second', 'third time'])
  })

  it('call back at once who asks for a state that was reached before', () => {
    const probes = new Probes()
    probes.hit('send-failed')
    let called = 0

    probes.onNth('send-failed', 1, () => called++)
    probes.hit('send-failed')

    expect(called).toBe(1)
  })

  it('never call back who waits for a state that there is not', () => {
    const probes = new Probes()
    let called = 0
    probes.onNth('the-sun-rises', 1, () => called++)

    probes.hit('send-failed')

    expect(called).toBe(0)
  })
})
