import { describe, expect, it } from 'vitest'
import type { Fault, FaultName } from '../../harness/trial/scenario.ts'
import { leftBehind } from './soundness.ts'
import { onStage } from './stage.ts'

/** A broker that was killed runs again when its old session with the controller has ended. */
const RESTART_MS = 20_000

/** Kinds that last, with what says that they are in force. */
const LASTING: readonly (readonly [kind: FaultName, sign: RegExp])[] = [
  ['blackhole', /silent/],
  ['refuse', /connections are refused/],
  ['slow-link', /is slow/],
  ['fragment', /"probability":1/],
  ['stall-reader', /the client does not read/],
  ['full-send-buffer', /the broker does not read/],
  ['pause', /is paused/],
  ['slow-cpu', /the processor is/],
  ['slow-disk', /the disk is .* slower/],
  ['full-disk', /the disk is full/],
  ['clock-jump', /the clock is wrong/],
  ['fsync-error', /the disk fails to sync/],
  ['delay-response', /answers are lost or late/],
  ['full-request-queue', /request-handler-0 is frozen/],
  ['full-connection-queue', /network-thread.* is frozen/],
]

function at(ms: number, kind: FaultName, forMs: number, more: Partial<Fault> = {}): Fault {
  return { kind, at: { ms }, forMs, ...more }
}

describe('two faults of one kind', () => {
  it.each(LASTING)('%s: the first to end does not end the other', async (kind, sign) => {
    await onStage(async stage => {
      await stage.connect()
      stage.arm(at(0, kind, 300), at(100, kind, 700))

      await stage.world.sleep(50)
      expect(JSON.stringify(leftBehind(stage))).toMatch(sign)
      await stage.world.sleep(450)
      expect(JSON.stringify(leftBehind(stage))).toMatch(sign)
      await stage.world.sleep(500)
      await stage.running()

      expect(leftBehind(stage)).toEqual([])
      expect(stage.injected(kind)).toBe(2)
    })
  })

  it('the slowest path counts while it lasts, then the other one', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      stage.arm(at(0, 'slow-link', 3000, { amount: 50 }), at(0, 'slow-link', 1500, { amount: 400 }))
      await stage.world.sleep(1)

      expect(await stage.ask(client)).toBeGreaterThan(800)
      await stage.world.sleep(1500)
      const tookMs = await stage.ask(client)

      expect(tookMs).toBeGreaterThan(100)
      expect(tookMs).toBeLessThan(200)
    })
  })

  it('the smallest send buffer counts while it lasts, then the other one', async () => {
    await onStage(async stage => {
      await stage.connect()
      const { outPipe } = stage.lastConnection.client
      stage.arm(at(0, 'full-send-buffer', 300, { amount: 5 }), at(0, 'full-send-buffer', 600, { amount: 50 }))

      await stage.world.sleep(100)
      expect(outPipe?.writableBytes).toBe(5)
      await stage.world.sleep(300)
      expect(outPipe?.writableBytes).toBe(50)
    })
  })

  it('clock jumps add up', async () => {
    await onStage(async stage => {
      const { clock } = stage.broker.host
      stage.arm(at(0, 'clock-jump', 300, { amount: 5000 }), at(0, 'clock-jump', 600, { amount: -2000 }))
      const ahead = (): number => clock.wallMs() - (stage.clients[0]?.host.clock.wallMs() ?? 0)

      await stage.world.sleep(100)
      expect(ahead()).toBe(3000)
      await stage.world.sleep(300)
      expect(ahead()).toBe(-2000)
    })
  })
})

describe('a broker that several faults take down', () => {
  it('stays down until the last one ends: a kill during a restart', async () => {
    await onStage(async stage => {
      stage.arm(at(0, 'restart', 0.01), at(0.1, 'kill', 3000))
      await stage.world.sleep(1)
      expect(stage.injected('kill')).toBe(1)

      expect(stage.broker.state).toBe('down')
      await stage.world.sleep(2990)
      expect(stage.broker.state).toBe('down')
      await stage.running()
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('stays down until the last one ends: a power loss of the machine whose broker was killed', async () => {
    await onStage(async stage => {
      stage.arm(at(0, 'kill', 500), at(100, 'power-loss', 3000))

      await stage.world.sleep(3000)
      expect(stage.broker.host.up).toBe(false)
      await stage.running()

      expect(stage.injected('power-loss')).toBe(1)
      expect(stage.story.filter(line => /starts/.test(line))).toEqual(['boots broker-1 and starts what runs there'])
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('is not started by a disk that has room again', async () => {
    await onStage(async stage => {
      stage.arm(at(0, 'full-disk', 500), at(100, 'kill', 3000))

      await stage.world.sleep(3000)
      expect(stage.broker.state).toBe('down')
      await stage.running()

      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('cannot start on a full disk, and does when there is room', async () => {
    await onStage(async stage => {
      stage.arm(at(0, 'full-disk', 3000), at(100, 'kill', 500))

      await stage.world.sleep(2900)
      expect(stage.broker.state).toBe('down')
      await stage.running()

      expect(stage.crashes).toEqual([])
      expect(leftBehind(stage)).toEqual([])
    })
  })
})

describe('a paused broker', () => {
  it('that is killed is not paused after its start, although the pause goes on', async () => {
    await onStage(async stage => {
      stage.arm(at(0, 'pause', 60_000), at(100, 'kill', 500))

      await stage.world.sleep(700)
      expect(await stage.running()).toBeLessThan(RESTART_MS)

      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('that is killed, started and paused again is not woken by the end of the first pause', async () => {
    await onStage(async stage => {
      stage.arm(at(0, 'pause', 1000), at(100, 'kill', 500), at(800, 'pause', 1000))

      await stage.world.sleep(1500)
      expect(leftBehind(stage)).toContain('the process is paused')
      await stage.running()

      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('shuts down when it goes on, and is started after that', async () => {
    await onStage(async stage => {
      stage.arm(at(0, 'pause', 2000), at(100, 'restart', 500))

      await stage.world.sleep(1900)
      expect(stage.broker.state).toBe('stopping')
      await stage.world.sleep(200)
      await stage.running()

      expect(leftBehind(stage)).toEqual([])
    })
  })
})

describe('frozen threads', () => {
  it.each(['kill', 'power-loss'] as const)(
    'of a broker that ends by %s do not freeze those of the next',
    async kind => {
      await onStage(async stage => {
        stage.arm(at(0, 'full-request-queue', 60_000, { amount: 5 }), at(100, kind, 500))

        await stage.world.sleep(700)
        await stage.running()

        expect(await stage.ask(await stage.connect())).toBeLessThan(10)
        stage.plan.heal()
        expect(leftBehind(stage)).toEqual([])
      })
    },
  )

  it('of a paused broker go on when both are over', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      stage.arm(at(0, 'full-request-queue', 1000, { amount: 5 }), at(100, 'pause', 500))
      await stage.world.sleep(200)

      expect(await stage.ask(client)).toBeGreaterThan(790)

      stage.arm(at(0, 'full-request-queue', 500, { amount: 5 }), at(100, 'pause', 1000))
      await stage.world.sleep(200)
      expect(await stage.ask(client)).toBeGreaterThan(890)
      expect(leftBehind(stage)).toEqual([])
    })
  })
})
