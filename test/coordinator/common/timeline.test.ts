import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SnapshotRegistry } from '../../../src/coordinator/common/snapshot-registry.ts'
import { TimelineMap } from '../../../src/coordinator/common/timeline-map.ts'
import { TimelineValue } from '../../../src/coordinator/common/timeline-value.ts'

const step = fc.oneof(
  fc.record({ type: fc.constant('set' as const), key: fc.nat(5), value: fc.nat(99) }),
  fc.record({ type: fc.constant('delete' as const), key: fc.nat(5) }),
  fc.record({ type: fc.constant('snapshot' as const) }),
  fc.record({ type: fc.constant('revert' as const), back: fc.nat(4) }),
  fc.record({ type: fc.constant('forget' as const), upTo: fc.nat(4) }),
)

const sorted = (entries: Iterable<[number, number]>) => [...entries].sort(([a], [b]) => a - b)

describe('a timeline', () => {
  it('reads and goes back like full copies of it would, whatever is done to it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const registry = new SnapshotRegistry()
        const map = new TimelineMap<number, number>(registry)
        const value = new TimelineValue(registry, -1)
        let model = { map: new Map<number, number>(), value: -1 }
        let copies: { epoch: number; map: Map<number, number>; value: number }[] = []
        let epoch = 0
        for (const taken of steps) {
          if (taken.type === 'set') {
            expect(map.set(taken.key, taken.value)).toBe(model.map.get(taken.key))
            value.set(taken.value)
            model.map.set(taken.key, taken.value)
            model.value = taken.value
          } else if (taken.type === 'delete') {
            expect(map.delete(taken.key)).toBe(model.map.get(taken.key))
            model.map.delete(taken.key)
          } else if (taken.type === 'snapshot') {
            registry.idempotentCreateSnapshot(++epoch)
            copies.push({ epoch, map: new Map(model.map), value: model.value })
          } else {
            const back = taken.type === 'revert' ? taken.back : taken.upTo
            const copy = copies[copies.length - 1 - back]
            if (copy === undefined) continue
            if (taken.type === 'revert') {
              registry.revertToSnapshot(copy.epoch)
              model = { map: new Map(copy.map), value: copy.value }
              copies = copies.filter(kept => kept.epoch <= copy.epoch)
              epoch = copy.epoch
            } else {
              registry.deleteSnapshotsUpTo(copy.epoch)
              copies = copies.filter(kept => kept.epoch >= copy.epoch)
            }
          }
          expect(sorted(map.entries())).toEqual(sorted(model.map))
          expect(value.get()).toBe(model.value)
          expect(registry.epochs).toEqual(copies.map(copy => copy.epoch))
          for (const copy of copies) {
            expect(sorted(map.entriesAt(copy.epoch))).toEqual(sorted(copy.map))
            expect(value.getAt(copy.epoch)).toBe(copy.value)
          }
        }
      }),
    )
  })

  it('knows no snapshot that was forgotten or never made', () => {
    const registry = new SnapshotRegistry()
    registry.idempotentCreateSnapshot(3)
    expect(() => registry.revertToSnapshot(2)).toThrow('no snapshot of epoch 2, there are 3')
    expect(() => registry.idempotentCreateSnapshot(2)).toThrow(RangeError)
  })
})
