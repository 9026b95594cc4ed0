import { describe, expect, it } from 'vitest'
import { metadataStays } from '../../harness/checkers/metadata-stays.ts'
import { metadataLog, Script, scripted } from './cluster-support.ts'
import { kinds } from './support.ts'

const judge = (script: Script, changes = {}) => kinds(metadataStays(scripted(script, changes)))

/** Node 1 leads in epoch 1 and has committed three records. */
function threeCommitted(): Script {
  const script = new Script().add(1, { kind: 'quorum-leader', epoch: 1, endOffset: 0 })
  return script.add(1, { kind: 'quorum-high-watermark', highWatermark: 3, isLeader: true })
}

const WHOLE = [1, 2, 3].map(node => metadataLog(node, [1, 1, 1]))

describe('metadata-stays', () => {
  it('is content when all logs hold what was committed, and all nodes know the same', () => {
    expect(judge(threeCommitted(), { metadataLogs: WHOLE })).toEqual([])
  })

  it('finds a node that cuts its log below its high watermark', () => {
    const cut = (highWatermark: number | undefined) =>
      judge(threeCommitted().add(2, { kind: 'quorum-truncated', toOffset: 2, highWatermark, epoch: 0 }))

    expect(cut(3)).toEqual(['metadata-cut-below-high-watermark'])
    expect(cut(2)).toEqual([])
    expect(cut(undefined)).toEqual([])
  })

  it('finds a node that cuts off a committed record, but lets it cut off what stood in the place of one', () => {
    const cut = (toOffset: number, epoch: number) => {
      const script = threeCommitted().add(2, { kind: 'quorum-truncated', toOffset, highWatermark: 1, epoch })
      return judge(script, { metadataLogs: WHOLE })
    }

    expect(cut(2, 1)).toEqual(['committed-metadata-cut'])
    expect(cut(2, 0)).toEqual([])
    expect(cut(3, 1)).toEqual([])
  })

  it('finds a high watermark that falls, but lets a new process begin anew', () => {
    const falls = (script: Script) =>
      script.add(1, { kind: 'quorum-high-watermark', highWatermark: 2, isLeader: false })

    expect(judge(falls(threeCommitted()))).toEqual(['metadata-high-watermark-falls'])
    expect(judge(falls(threeCommitted().restarts(1)))).toEqual([])
  })

  it('finds a leader without what was committed', () => {
    const leads = (endOffset: number) => threeCommitted().add(2, { kind: 'quorum-leader', epoch: 2, endOffset })

    expect(judge(leads(2))).toEqual(['quorum-leader-lacks-committed'])
    expect(judge(leads(3))).toEqual([])
  })

  it('finds a leader that commits what others wrote before it has committed a record of its own', () => {
    const commits = (highWatermark: number) =>
      judge(
        new Script()
          .add(2, { kind: 'quorum-leader', epoch: 2, endOffset: 3 })
          .add(2, { kind: 'quorum-high-watermark', highWatermark, isLeader: true }),
      )

    expect(commits(4)).toEqual([])
    expect(commits(3)).toEqual(['metadata-committed-too-soon'])
  })

  it('finds what only a minority of the voters has at the end', () => {
    const short = [metadataLog(1, [1, 1, 1]), metadataLog(2, [1, 1]), metadataLog(3, [1, 1])]
    const observer = metadataLog(4, [1, 1, 1], { voter: false })

    expect(judge(threeCommitted(), { metadataLogs: [...short, observer] })).toEqual(['committed-metadata-missing'])
    expect(judge(threeCommitted(), { metadataLogs: [...WHOLE.slice(0, 2), metadataLog(3, [])] })).toEqual([])
  })

  it('finds a committed record that a later leader has replaced', () => {
    const metadataLogs = [1, 2, 3].map(node => metadataLog(node, [1, 1, 2]))

    expect(judge(threeCommitted(), { metadataLogs })).toEqual([
      'committed-metadata-replaced',
      'committed-metadata-replaced',
      'committed-metadata-replaced',
    ])
  })

  it('finds nodes that have read the same and know different things', () => {
    const image = { offset: 2, text: '{"brokers":[1]}' }

    expect(judge(threeCommitted(), { metadataLogs: [...WHOLE, metadataLog(4, [1, 1, 1], { image })] })).toEqual([
      'images-differ',
    ])
    const behind = metadataLog(4, [1, 1, 1], { image: { ...image, offset: 1 } })
    expect(judge(threeCommitted(), { metadataLogs: [...WHOLE, behind] })).toEqual([])
  })
})
