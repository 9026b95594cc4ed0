import { describe, expect, it } from 'vitest'
import { onStage } from '../faults/stage.ts'

describe('ClusterNode', () => {
  it('starts a broker once, however often it is asked', async () => {
    await onStage(async ({ broker }) => {
      const { server } = broker

      broker.start()

      expect(broker.server).toBe(server)
      expect(broker.host.processes.size).toBe(1)
    })
  })

  it('starts a broker that is shutting down when it is down, once', async () => {
    await onStage(async stage => {
      const { broker } = stage
      broker.shutdown()
      broker.start()
      broker.start()
      expect(broker.state).toBe('stopping')

      await stage.running()

      expect(broker.host.processes.size).toBe(1)
    })
  })

  it('wakes who waits for it to be down or to run, at that very moment', async () => {
    await onStage(async ({ broker, world }) => {
      const down = broker.down().then(() => world.nowMs)
      await world.sleep(5)
      expect(broker.kill()).toBe(true)

      expect(await down).toBe(world.nowMs)
      const running = broker.running().then(() => world.nowMs)
      broker.start()
      while (broker.state !== 'running') await world.sleep(0.1)

      expect(await running).toBeGreaterThan(world.nowMs - 0.101)
    })
  })

  it('has nothing to kill and nothing to shut down when it is down', async () => {
    await onStage(async ({ broker }) => {
      broker.kill()

      expect(broker.kill()).toBe(false)
      expect(broker.shutdown()).toBe(false)
      expect(broker.takeDown('kill')).toBeUndefined()
      expect(broker.freezeThreads(() => true)).toBeUndefined()
      expect(broker.state).toBe('down')
    })
  })

  it('can be started by anybody after it was taken down in vain', async () => {
    await onStage(async stage => {
      stage.broker.kill()
      stage.broker.takeDown('shutdown')

      stage.broker.start()

      expect(stage.broker.state).toBe('starting')
    })
  })

  it('tells of the end of a broker that no fault explains, and starts again when it is asked', async () => {
    await onStage(async stage => {
      const [process] = stage.broker.host.processes

      process?.threads.start('buggy', () => Promise.reject(new Error('out of luck')))
      await stage.world.sleep(1)

      expect(stage.crashes).toEqual(['buggy: Error: out of luck'])
      expect(stage.broker.state).toBe('down')
      stage.broker.start()
      await stage.running()
      expect(stage.crashes).toHaveLength(1)
    })
  })

  it('finds the connection that a broker names, and none of another client', async () => {
    await onStage(async stage => {
      const ids: string[] = []
      stage.gate.add(({ connectionId }) => {
        ids.push(connectionId)
        return undefined
      })
      await stage.ask(await stage.connect(0))
      const first = stage.lastConnection
      await stage.ask(await stage.connect(1))
      const second = stage.lastConnection

      expect(ids.map(id => stage.broker.connectionOf(id))).toEqual([first, second])
      expect(stage.broker.connectionOf('broker-1:9092-app-0:1-0')).toBeUndefined()
      expect(stage.broker.connectionOf('nonsense')).toBeUndefined()
    })
  })

  it('refuses a configuration that Kafka refuses', async () => {
    await expect(onStage(async () => undefined, { config: { 'num.io.threads': '0' } })).rejects.toThrow(
      'num.io.threads',
    )
  })
})
