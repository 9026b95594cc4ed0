import { describe, expect, it } from 'vitest'
import { noDuplicates } from '../../harness/checkers/no-duplicates.ts'
import { History } from '../../harness/history/history.ts'
import { healthy, indeterminate, invoke, log } from './support.ts'

describe('no-duplicates', () => {
  it('is content when every record stands once', () => {
    expect(noDuplicates(healthy())).toEqual([])
  })

  it('finds a record that stands twice, also when its send ended indeterminately and the copies lie apart', () => {
    const history = new History()
    invoke(history, { send: 0 }, indeterminate())
    invoke(history, { send: 1 }, indeterminate())

    const logs = [log(['p0-s0-r0', 'p0-s1-r0', 'p0-s0-r0']), log(['p0-s0-r0'], { partition: 1 })]
    expect(noDuplicates(healthy({ history, logs }))).toEqual([
      {
        guarantee: 'no-duplicates',
        kind: 'duplicate-record',
        message:
          'Record p0-s0-r0 was sent once by producer 0, but stands in the log 3 times: offset 0 of partition 0, offset 2 of partition 0, offset 0 of partition 1.',
      },
    ])
  })

  it('does not count a missing record', () => {
    expect(noDuplicates(healthy({ logs: [] }))).toEqual([])
  })
})
