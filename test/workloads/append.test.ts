import { describe, expect, it } from 'vitest'
import { History, recordValue } from '../../harness/history/history.ts'
import type { ProducerSpec, SendSpec } from '../../harness/trial/scenario.ts'
import { AppendApplication, FIRST_SEND_AFTER_HEALING } from '../../harness/workloads/append.ts'
import { World } from '../../harness/world/world.ts'
import { PRODUCER } from '../checkers/support.ts'
import { type Script, ScriptedClient, ScriptedError, ScriptLog } from './scripted-client.ts'

interface Application {
  readonly world: World
  readonly application: AppendApplication
  readonly history: History
  /** What its clients did. */
  readonly lines: string[]
  readonly story: string[]
}

/** Runs a body with an application whose nth client (from 1) does what its script says. */
function withApplication<T>(
  spec: Partial<ProducerSpec>,
  script: (client: number) => Script,
  body: (app: Application) => Promise<T>,
): Promise<T> {
  const world = new World({ seed: 'append' })
  return world.run(() => {
    const log = new ScriptLog(world)
    const history = new History()
    const process = world.host('app').process()
    const story: string[] = []
    return process.run(() => {
      const application = new AppendApplication({
        process,
        history,
        producer: 3,
        spec: { ...PRODUCER, sends: [], ...spec },
        partitions: 2,
        createClient: () => new ScriptedClient(log, script),
        startMs: 0,
        tell: text => story.push(text),
      })
      return body({ world, application, history, lines: log.lines, story })
    })
  })
}

function send(atMs: number, more: Partial<SendSpec> = {}): SendSpec {
  return { atMs, partition: 0, records: 1, bytes: 0, ...more }
}

const LOST = new ScriptedError('connection lost')

describe('recordValue', () => {
  it('is the identity, filled up to the size that is asked for', () => {
    expect(recordValue('p0-s1-r2', 12).toString()).toBe('p0-s1-r2....')
  })

  it('holds the whole identity even if less is asked for', () => {
    expect(recordValue('p0-s1-r2', 3).toString()).toBe('p0-s1-r2')
  })
})

describe('an application that appends', () => {
  it('makes its sends at their times, in their order, each to its partition', async () => {
    const sends = [send(300, { partition: 1 }), send(100, { records: 2 }), send(200, { partition: 5 })]
    await withApplication(
      { sends },
      () => ({}),
      async ({ application, lines }) => {
        await application.run()

        expect(lines).toEqual([
          '0 client 1 connects',
          '100 client 1 sends p3-s0-r0 p3-s0-r1 to 0',
          '200 client 1 sends p3-s1-r0 to 1',
          '300 client 1 sends p3-s2-r0 to 1',
        ])
      },
    )
  })

  it('awaits each send before the next when it is sequential', async () => {
    const script = { send: () => ({ takesMs: 250 }) }
    await withApplication(
      { sends: [send(0), send(100)], sequential: true },
      () => script,
      async app => {
        await app.application.run()

        expect(app.lines.slice(1)).toEqual(['0 client 1 sends p3-s0-r0 to 0', '250 client 1 sends p3-s1-r0 to 0'])
        expect(app.world.nowMs).toBe(500)
      },
    )
  })

  it('lets sends overlap when it is not, and is done when all have settled', async () => {
    const script = { send: (nth: number) => ({ takesMs: 500 - nth * 300 }) }
    await withApplication(
      { sends: [send(0), send(100)], sequential: false },
      () => script,
      async app => {
        await app.application.run()

        expect(app.lines.slice(1)).toEqual(['0 client 1 sends p3-s0-r0 to 0', '100 client 1 sends p3-s1-r0 to 0'])
        expect(app.history.sends.map(({ outcome }) => outcome)).toEqual([
          { kind: 'ok', atMs: 500, baseOffset: undefined },
          { kind: 'ok', atMs: 300, baseOffset: undefined },
        ])
        expect(app.world.nowMs).toBe(500)
      },
    )
  })

  it('writes down what came of each send', async () => {
    const steps = [
      { baseOffset: 17 },
      { error: new ScriptedError('too large', { definite: true, type: 'MESSAGE_TOO_LARGE' }) },
      { error: LOST },
    ]
    const script = { send: (nth: number) => steps[nth] ?? {} }
    const sends = [send(0, { bytes: 30 }), send(10), send(20)]
    await withApplication(
      { sends, acks: 1 },
      () => script,
      async ({ application, history, story }) => {
        await application.run()

        expect(history.sends).toEqual([
          {
            producer: 3,
            send: 0,
            partition: 0,
            records: ['p3-s0-r0'],
            acks: 1,
            afterHealing: false,
            invokedMs: 0,
            outcome: { kind: 'ok', atMs: 0, baseOffset: 17 },
            settled: 1,
          },
          expect.objectContaining({
            outcome: {
              kind: 'failed',
              atMs: 10,
              error: { name: 'ScriptedError', message: 'too large', type: 'MESSAGE_TOO_LARGE' },
            },
          }),
          expect.objectContaining({
            outcome: { kind: 'indeterminate', atMs: 20, error: { name: 'ScriptedError', message: 'connection lost' } },
          }),
        ])
        expect(story.filter(line => !line.startsWith('sends'))).toEqual([
          'p3-s0-r0 is acknowledged at offset 17',
          'p3-s1-r0 failed for certain (MESSAGE_TOO_LARGE: too large)',
          'p3-s2-r0 ended with ScriptedError: connection lost: it may or may not be in the log',
        ])
      },
    )
  })

  it('says of acks=0 that nothing is promised', async () => {
    await withApplication(
      { sends: [send(0)], acks: 0 },
      () => ({}),
      async ({ application, story }) => {
        await application.run()

        expect(story.at(-1)).toBe('p3-s0-r0 was handed over (acks=0: nothing is promised)')
      },
    )
  })

  it('keeps a send that never settles as pending', async () => {
    const script = { send: () => ({ hangs: true }) as const }
    await withApplication(
      { sends: [send(0)] },
      () => script,
      async ({ application, history, world }) => {
        application.run()
        await world.sleep(100_000)

        expect(history.sends).toMatchObject([{ outcome: { kind: 'pending' }, settled: 0 }])
      },
    )
  })
})

describe('an application that cannot connect', () => {
  it('tries again every second, and begins when it is connected', async () => {
    const script = { connect: (nth: number) => (nth < 3 ? { error: LOST } : {}) }
    await withApplication(
      { sends: [send(0), send(100)] },
      () => script,
      async ({ application, lines, story }) => {
        await application.run()

        expect(lines).toEqual([
          '0 client 1 connects',
          '1000 client 1 connects',
          '2000 client 1 connects',
          '3000 client 1 connects',
          '3000 client 1 sends p3-s0-r0 to 0',
          '3000 client 1 sends p3-s1-r0 to 0',
        ])
        expect(story.slice(0, 3)).toEqual(Array(3).fill('cannot connect: connection lost'))
      },
    )
  })

  it('makes a new client after a minute', async () => {
    const script = (client: number) => ({ connect: () => (client === 1 ? { error: LOST } : {}) })
    await withApplication({ sends: [send(0)] }, script, async ({ application, lines }) => {
      await application.run()

      expect(lines.slice(-4)).toEqual([
        '60000 client 1 connects',
        '60000 client 1 closes',
        '60000 client 2 connects',
        '60000 client 2 sends p3-s0-r0 to 0',
      ])
    })
  })

  it('makes a new client when the one it has says nothing for a minute, and no longer listens to it', async () => {
    const script = (client: number) => ({ connect: () => (client === 1 ? { takesMs: 60_500 } : { takesMs: 1000 }) })
    await withApplication({ sends: [send(0)] }, script, async ({ application, lines, story }) => {
      await application.run()

      expect(lines).toEqual([
        '0 client 1 connects',
        '60000 client 1 closes',
        '60000 client 2 connects',
        '61000 client 2 sends p3-s0-r0 to 0',
      ])
      expect(story[0]).toBe('cannot connect: no connection after 60000 ms')
    })
  })

  it('gives its plan up when the plan ends', async () => {
    const script = { connect: () => ({ error: LOST }) }
    await withApplication(
      { sends: [send(0)] },
      () => script,
      async ({ application, history, world }) => {
        application.endPlanAt(90_000)

        await application.run()

        expect(history.sends).toEqual([])
        expect(world.nowMs).toBeLessThan(130_000)
      },
    )
  })
})

describe('an application whose plan ends', () => {
  it('begins no further planned send, and awaits those that it began', async () => {
    const script = { send: () => ({ takesMs: 300 }) }
    const sends = [send(0), send(10), send(20)]
    await withApplication(
      { sends, sequential: true },
      () => script,
      async ({ application, history, world }) => {
        application.endPlanAt(400)

        await application.run()

        expect(history.sends.map(({ invokedMs }) => invokedMs)).toEqual([0, 300])
        expect(world.nowMs).toBe(600)
      },
    )
  })
})

describe('an application that renews its client after an error', () => {
  const RENEWING = { renewAfterError: true, sequential: false }

  it('closes the old one and goes on with a new one', async () => {
    const script = (client: number) => ({ send: () => (client === 1 ? { error: LOST } : {}) })
    const sends = [send(0), send(100)]
    await withApplication({ ...RENEWING, sends }, script, async ({ application, lines, story }) => {
      await application.run()

      expect(lines).toEqual([
        '0 client 1 connects',
        '0 client 1 sends p3-s0-r0 to 0',
        '0 client 1 closes',
        '100 client 2 connects',
        '100 client 2 sends p3-s1-r0 to 0',
      ])
      expect(story).toContain('gives its client up and makes a new one')
    })
  })

  it('also after a failure that is certain', async () => {
    const error = new ScriptedError('too large', { definite: true })
    const script = (client: number) => ({ send: () => (client === 1 ? { error } : {}) })
    await withApplication({ ...RENEWING, sends: [send(0), send(100)] }, script, async ({ application, lines }) => {
      await application.run()

      expect(lines.at(-1)).toBe('100 client 2 sends p3-s1-r0 to 0')
    })
  })

  it('renews it once when several sends of one client fail', async () => {
    const script = (client: number) => ({
      send: (nth: number) => (client === 1 ? { takesMs: 50 + nth * 100, error: LOST } : {}),
    })
    const sends = [send(0), send(10), send(20), send(500)]
    await withApplication({ ...RENEWING, sends }, script, async ({ application, lines }) => {
      await application.run()

      expect(lines.slice(4)).toEqual([
        '50 client 1 closes',
        '500 client 2 connects',
        '500 client 2 sends p3-s3-r0 to 0',
      ])
    })
  })

  it('connects the new one even if the old one failed while the new one was connecting', async () => {
    const script = (client: number) => ({
      connect: () => (client === 2 ? { takesMs: 500 } : {}),
      send: (nth: number) => (client === 1 ? { takesMs: 50 + nth * 190, error: LOST } : {}),
    })
    const sends = [send(0), send(10), send(100)]
    await withApplication({ ...RENEWING, sends }, script, async ({ application, lines, history }) => {
      await application.run()

      expect(lines.slice(3)).toEqual([
        '50 client 1 closes',
        '100 client 2 connects',
        '600 client 2 sends p3-s2-r0 to 0',
      ])
      expect(history.sends.at(-1)?.outcome.kind).toBe('ok')
    })
  })

  it('does not mind an old one that cannot be closed', async () => {
    const script = (client: number) => ({
      send: () => (client === 1 ? { error: LOST } : {}),
      close: () => ({ error: new Error('stuck') }),
    })
    await withApplication({ ...RENEWING, sends: [send(0), send(100)] }, script, async ({ application, story }) => {
      await application.run()

      expect(story).toContain('cannot close the old client: stuck')
      expect(story.at(-1)).toBe('p3-s1-r0 is acknowledged')
    })
  })

  it('keeps it otherwise', async () => {
    const script = { send: () => ({ error: LOST }) }
    await withApplication(
      { sends: [send(0), send(100)] },
      () => script,
      async ({ application, lines }) => {
        await application.run()

        expect(lines.at(-1)).toBe('100 client 1 sends p3-s1-r0 to 0')
      },
    )
  })
})

describe('an application that recovers', () => {
  it('gets a further record through with the client it has', async () => {
    const script = { send: (nth: number) => (nth < 2 ? { error: LOST } : {}) }
    await withApplication(
      {},
      () => script,
      async ({ application, history, lines }) => {
        expect(await application.recover()).toBe(true)

        expect(lines).toEqual([
          '0 client 1 connects',
          '0 client 1 sends p3-s1000000-r0 to 0',
          '1000 client 1 sends p3-s1000001-r0 to 1',
          '2000 client 1 sends p3-s1000002-r0 to 0',
        ])
        expect(history.sends.map(({ send }) => send)).toEqual([0, 1, 2].map(nth => FIRST_SEND_AFTER_HEALING + nth))
        expect(history.sends.every(({ afterHealing, freshClient }) => afterHealing && freshClient === undefined)).toBe(
          true,
        )
      },
    )
  })

  it('takes a fresh client when the one it has does not get through within a minute', async () => {
    const script = (client: number) => ({ send: () => (client === 1 ? { takesMs: 10_000, error: LOST } : {}) })
    await withApplication({}, script, async ({ application, history, lines }) => {
      expect(await application.recover()).toBe(true)

      expect(lines.slice(-3)).toEqual([
        '65000 client 1 closes',
        '65000 client 2 connects',
        '65000 client 2 sends p3-s1000006-r0 to 0',
      ])
      expect(history.sends.map(({ freshClient = false }) => freshClient)).toEqual([...Array(6).fill(false), true])
    })
  })

  it('gives up when a fresh client does not get through either', async () => {
    const script = { connect: () => ({ error: LOST }) }
    await withApplication(
      {},
      () => script,
      async ({ application, history, world }) => {
        expect(await application.recover()).toBe(false)

        expect(history.sends).toEqual([])
        expect(world.nowMs).toBe(120_000)
      },
    )
  })
})
