import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { CLIENTS, type ClientTrial, type ClientTrialOptions, runClientTrial } from './client-trial.ts'

const run = promisify(execFile)
const PROGRAM = fileURLToPath(new URL('./client-trial-process.ts', import.meta.url))

async function inOwnProcess(options: ClientTrialOptions): Promise<ClientTrial> {
  const { stdout } = await run(process.execPath, [PROGRAM, JSON.stringify(options)])
  return JSON.parse(stdout) as ClientTrial
}

const OFFSETS = Array.from({ length: 20 }, (_, index) => `${index}`)

for (const client of CLIENTS) {
  describe(`${client}, unmodified, in the world`, () => {
    test('sends its messages, in virtual time and without leaving the world', async () => {
      const trial = await runClientTrial({ client, strict: true })

      expect(trial.acknowledged).toEqual(OFFSETS)
      expect(trial.batches).toBe(20)
      expect(trial.requests.map(request => request.split(' ')[0])).toEqual(
        expect.arrayContaining(['ApiVersions', 'Metadata', 'Produce']),
      )
      expect(trial.virtualMs).toBeGreaterThan(10)
    })

    test('gives the same digest every time, with either drain, in fresh processes too', async () => {
      const trials = [
        await runClientTrial({ client }),
        await runClientTrial({ client }),
        await runClientTrial({ client, drain: 'immediate' }),
        await inOwnProcess({ client }),
        await inOwnProcess({ client, drain: 'immediate' }),
      ]

      expect(new Set(trials.map(({ digest }) => digest)).size).toBe(1)
      expect(trials.every(trial => trial.batches === 20)).toBe(true)
    })

    test('gives another digest with another seed, and the same again under a shuffling schedule', async () => {
      const digestOf = async (options: Partial<ClientTrialOptions>): Promise<string> =>
        (await runClientTrial({ client, ...options })).digest

      const [usual, other] = [await digestOf({}), await digestOf({ seed: 'other' })]
      const shuffled = [await digestOf({ schedule: 'random' }), await digestOf({ schedule: 'random' })]

      expect(other).not.toBe(usual)
      expect(shuffled[0]).toBe(shuffled[1])
    })

    test('compresses without the thread pool', async () => {
      const [first, second] = [
        await runClientTrial({ client, compressed: true, strict: true }),
        await runClientTrial({ client, compressed: true }),
      ]

      expect(first.acknowledged).toEqual(OFFSETS)
      expect(second.digest).toBe(first.digest)
    })

    test('retries after a reset, in the same way each time', async () => {
      const [first, second] = [
        await runClientTrial({ client, resetAfter: 5, strict: true }),
        await runClientTrial({ client, resetAfter: 5 }),
      ]

      expect(first.acknowledged).toHaveLength(20)
      expect(first.batches).toBeGreaterThan(20)
      expect(second).toEqual(first)
    })
  })
}
