import { afterEach, describe, expect, it } from 'vitest'
import { WorkerError, WorkerPool } from '../../harness/explore/worker-pool.ts'

let pool: WorkerPool | undefined
afterEach(() => pool?.close())

describe('WorkerPool', () => {
  it('runs trials in other processes, with the same digest in each', async () => {
    pool = new WorkerPool(2)
    const order = { type: 'trial', seed: '1-2', options: {}, twice: false } as const
    const reports = await Promise.all([pool.ask(order), pool.ask(order), pool.ask(order)])

    expect(new Set(reports.map(({ digest }) => digest)).size).toBe(1)
    expect(reports[0]?.events).toBeGreaterThan(100)
    expect(pool.rssMaxBytes).toBeGreaterThan(10_000_000)
  })

  it('passes on why an order could not be carried out, and goes on', async () => {
    pool = new WorkerPool(1)
    const scenario = { nothing: 'of a scenario' } as never
    await expect(pool.ask({ type: 'replay', source: { scenario, options: {} } })).rejects.toThrow(WorkerError)

    const report = await pool.ask({ type: 'trial', seed: '1-2', options: {}, twice: false })
    expect(report.findings).toEqual([])
  })

  it('tells how a worker ended, with what it wrote last, and replaces it', async () => {
    pool = new WorkerPool(1, 20) // too little memory for anything
    const order = { type: 'trial', seed: '1-2', options: {}, twice: false } as const
    await expect(pool.ask(order)).rejects.toThrow(/the worker ended with SIGABRT\n[\s\S]*heap out of memory/)
    await expect(pool.ask(order)).rejects.toThrow(/the worker ended with/)
  })
})
