import { describe, expect, it } from 'vitest'
import { identityOf, keyText, recordId, recordValue } from '../../harness/history/history.ts'

describe('the identity of a record', () => {
  it('is its key, whatever its value is, when it was sent to a partition', () => {
    const id = recordId(0, 3, 1)
    expect(identityOf(id, recordValue(id, 40))).toBe('p0-s3-r1')
    expect(identityOf(id, null)).toBe('p0-s3-r1')
  })

  it('holds the key and is in the value when it was sent by key', () => {
    const key = keyText(7)
    const id = recordId(2, 1_000_000, 0, key)
    expect(id).toBe('k7-p2-s1000000-r0')
    for (const bytes of [0, 5, 18, 5000]) {
      expect(identityOf(key, recordValue(id, bytes))).toBe(id)
      expect(identityOf(key, recordValue(id, bytes).toString())).toBe(id)
    }
  })

  it('is the key alone, which nobody sent, when the value speaks of another key or of none', () => {
    expect(identityOf('k7', recordValue(recordId(0, 0, 0, 'k8'), 50))).toBe('k7')
    expect(identityOf('k7', Buffer.from('anything'))).toBe('k7')
    expect(identityOf('k7', null)).toBe('k7')
    expect(identityOf(undefined, Buffer.from('anything'))).toBe('(no key)')
  })
})
