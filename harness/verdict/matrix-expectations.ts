/** A cell of the matrix: a configuration of three replicas, and what may happen to it. */
export interface MatrixCell {
  readonly acks: -1 | 0 | 1
  readonly minInsyncReplicas: 1 | 2 | 3
  readonly unclean: boolean
  readonly crash: CrashKind
  /** Whether eligible leader replicas (KIP-966) are on. */
  readonly elr: boolean
}

/** `process`: processes are killed, the page cache stays. `power`: one machine loses power and what it had not flushed. */
export type CrashKind = 'process' | 'power'

/** Whether an acknowledged record can be lost there, by what Kafka's replication protocol is, and why. */
export interface Expectation {
  readonly lossPossible: boolean
  readonly reason: string
}

interface Row extends Expectation {
  readonly acks: MatrixCell['acks']
  readonly minInsyncReplicas?: MatrixCell['minInsyncReplicas']
  readonly unclean?: boolean
  readonly crash?: CrashKind
  readonly elr?: boolean
}

/** What is absent in a row stands for any value; the first row that fits a cell is its expectation. */
const ROWS: readonly Row[] = [
  { acks: 0, lossPossible: true, reason: 'nobody waits for the broker: a broken connection is enough' },
  { acks: 1, lossPossible: true, reason: 'the leader goes down, or is replaced, before a follower has fetched' },
  {
    acks: -1,
    minInsyncReplicas: 1,
    unclean: false,
    crash: 'process',
    lossPossible: false,
    reason:
      'only a replica in sync leads, and a process that crashes keeps its page cache: without one the partition waits',
  },
  {
    acks: -1,
    minInsyncReplicas: 1,
    unclean: true,
    crash: 'process',
    lossPossible: true,
    reason: 'the leader alone is in sync and goes down; a replica that lags is elected',
  },
  {
    acks: -1,
    minInsyncReplicas: 1,
    unclean: false,
    crash: 'power',
    lossPossible: true,
    reason: 'the leader alone is in sync and loses what it had not flushed',
  },
  { acks: -1, minInsyncReplicas: 1, unclean: true, crash: 'power', lossPossible: true, reason: 'both of the above' },
  {
    acks: -1,
    minInsyncReplicas: 2,
    unclean: false,
    crash: 'process',
    lossPossible: false,
    reason: 'two replicas hold what is acknowledged, and only one of them leads',
  },
  {
    acks: -1,
    minInsyncReplicas: 2,
    unclean: true,
    crash: 'process',
    lossPossible: true,
    reason: 'both replicas that hold it are down, and the third, which lags, is elected',
  },
  {
    acks: -1,
    minInsyncReplicas: 2,
    unclean: false,
    crash: 'power',
    elr: true,
    lossPossible: false,
    reason: 'the last replica in sync is not trusted after an unclean shutdown: the eligible one leads (KIP-966)',
  },
  {
    acks: -1,
    minInsyncReplicas: 2,
    unclean: false,
    crash: 'power',
    elr: false,
    lossPossible: true,
    reason: 'the last replica in sync loses its tail, is still in the in-sync set, leads, and the others cut theirs',
  },
  {
    acks: -1,
    minInsyncReplicas: 2,
    unclean: true,
    crash: 'power',
    lossPossible: true,
    reason: 'a replica that lags, or has lost its tail, is elected',
  },
  {
    acks: -1,
    minInsyncReplicas: 3,
    crash: 'process',
    lossPossible: false,
    reason: 'all replicas hold what is acknowledged, whichever is elected',
  },
  {
    acks: -1,
    minInsyncReplicas: 3,
    unclean: false,
    crash: 'power',
    elr: true,
    lossPossible: false,
    reason: 'all replicas hold it, and an eligible one that kept its log leads: it would need all three machines',
  },
  {
    acks: -1,
    minInsyncReplicas: 3,
    unclean: false,
    crash: 'power',
    elr: false,
    lossPossible: true,
    reason: 'the last replica in sync loses its tail, is still in the in-sync set, leads, and the others cut theirs',
  },
  {
    acks: -1,
    minInsyncReplicas: 3,
    unclean: true,
    crash: 'power',
    lossPossible: true,
    reason: 'the replica that has lost its tail is elected while the others are away',
  },
]

export function expectationFor(cell: MatrixCell): Expectation {
  const row = ROWS.find(
    ({ acks, minInsyncReplicas, unclean, crash, elr }) =>
      acks === cell.acks &&
      (minInsyncReplicas ?? cell.minInsyncReplicas) === cell.minInsyncReplicas &&
      (unclean ?? cell.unclean) === cell.unclean &&
      (crash ?? cell.crash) === cell.crash &&
      (elr ?? cell.elr) === cell.elr,
  )
  if (row === undefined) throw new Error(`no expectation for ${JSON.stringify(cell)}`)
  return { lossPossible: row.lossPossible, reason: row.reason }
}

/** The whole grid: eligible leader replicas make a difference only where machines lose power. */
export function matrixCells(): MatrixCell[] {
  const cells: MatrixCell[] = []
  for (const acks of [0, 1, -1] as const) {
    for (const minInsyncReplicas of [1, 2, 3] as const) {
      for (const unclean of [false, true]) {
        cells.push({ acks, minInsyncReplicas, unclean, crash: 'process', elr: true })
        for (const elr of [true, false]) cells.push({ acks, minInsyncReplicas, unclean, crash: 'power', elr })
      }
    }
  }
  return cells
}
