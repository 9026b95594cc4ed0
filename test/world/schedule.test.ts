import { describe, expect, it } from 'vitest'
import { createSchedule, SCHEDULE_NAMES } from '../../harness/world/schedule.ts'
import { World } from '../../harness/world/world.ts'

/** Threads of five hosts that wake each other's rounds up: who ran when. */
async function turns(schedule: (typeof SCHEDULE_NAMES)[number], seed: string): Promise<string[]> {
  const world = new World({ seed, schedule })
  const ran: string[] = []
  await world.run(async () => {
    const threads = Array.from({ length: 5 }, (_, index) => {
      const process = world.host(`host-${index}`).process()
      return process.threads.start('thread', async () => {
        for (let round = 0; round < 20; round++) {
          const parker = process.threads.park('its turn')
          process.timers.after(500, () => parker.unpark())
          await parker.parked
          ran.push(`${round} host-${index} ${world.nowUs}`)
        }
      })
    })
    await Promise.all(threads.map(({ done }) => done))
  })
  return ran
}

/** How long after the first of its round each host ran at most, microseconds. */
function lags(ran: readonly string[]): Map<string, number> {
  const longest = new Map<string, number>()
  for (const turn of ran) {
    const [, host = '', at] = turn.split(' ')
    longest.set(host, Math.max(longest.get(host) ?? 0, Number(at) % 500_000))
  }
  return longest
}

describe.each(SCHEDULE_NAMES)('the %s schedule', name => {
  it('gives the same turns for the same seed', async () => {
    expect(await turns(name, '1')).toEqual(await turns(name, '1'))
  })

  it('gives one lane one priority at one time, and waits of whole microseconds', () => {
    const world = new World({ seed: 'schedule', schedule: name })
    const lanes = [1, 2, 3].map(index => world.host(`host-${index}`).process().mainLane)
    for (let timeUs = 0; timeUs < 20_000_000; timeUs += 333_333) {
      for (const lane of lanes) {
        expect(world.schedule.priority(lane, timeUs)).toBe(world.schedule.priority(lane, timeUs))
        const delayUs = world.schedule.wakeDelayUs(lane, timeUs)
        expect(Number.isInteger(delayUs) && delayUs >= 0 && delayUs <= 20_000).toBe(true)
      }
    }
  })
})

describe('schedules', () => {
  it('fifo delays nobody', async () => {
    const ran = await turns('fifo', '1')
    expect(Math.max(...lags(ran).values())).toBe(0)
  })

  it('pct lets few threads wait, and others later', async () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 10; seed++) {
      const late = [...lags(await turns('pct', `${seed}`))].filter(([, lag]) => lag > 0)
      expect(late.length).toBeLessThan(5)
      for (const [host] of late) seen.add(host)
    }
    expect(seen.size).toBeGreaterThan(1)
  })

  it('starve-one-host lets one host at a time wait, and each some time', async () => {
    const starved = new Set<string>()
    for (let seed = 0; seed < 10; seed++) {
      const ran = await turns('starve-one-host', `${seed}`)
      for (let round = 0; round < 20; round++) {
        const times = ran.filter(turn => turn.startsWith(`${round} `)).map(turn => turn.split(' '))
        const latest = times.map(([, host, at]) => ({ host: host ?? '', lag: Number(at) % 500_000 }))
        for (const { host, lag } of latest) if (lag >= 100) starved.add(host)
      }
    }
    expect(starved.size).toBe(5)
  })

  it('of different seeds differ', () => {
    const world = new World({ seed: 'schedule' })
    const lane = world.host('host').process().mainLane
    const priorities = ['1', '2', '3'].map(seed => createSchedule('pct', world.random(seed)).priority(lane, 0))
    expect(new Set(priorities).size).toBeGreaterThan(1)
  })
})
