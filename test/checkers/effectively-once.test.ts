import { describe, expect, it } from 'vitest'
import { effectivelyOnce } from '../../harness/checkers/effectively-once.ts'
import { GroupScript } from './group-support.ts'
import { kinds } from './support.ts'

describe('effectively-once', () => {
  it('is content when a record is processed twice and takes effect once', () => {
    const script = new GroupScript({ sink: 'idempotent' }).started(0).assigned(0, 1, 0)
    script.processed(0, 0).started(1).assigned(1, 2, 0).processed(1, 0, false).commit(1, 1)

    expect(effectivelyOnce(script.evidence(1))).toEqual([])
  })

  it('tells of an effect that was taken twice', () => {
    const script = new GroupScript().started(0).assigned(0, 1, 0).processed(0, 0).processed(0, 0)

    expect(effectivelyOnce(script.evidence(1))).toEqual([
      {
        guarantee: 'effectively-once',
        kind: 'effect-repeated',
        message: 'The sink of group-0 took the effect of record p0-s0-r0 2 times.',
      },
    ])
  })

  it('tells of a committed record without effect', () => {
    const script = new GroupScript().started(0).assigned(0, 1, 0).delivered(0, 0).commit(0, 1)

    expect(kinds(effectivelyOnce(script.evidence(1)))).toEqual(['effect-missing'])
  })
})
