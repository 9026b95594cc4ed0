import { describe, expect, it } from 'vitest'
import { FAULT_CATALOGUE, type ServiceLife, type Simulation, SimulationError, simulate } from '../../harness/index.ts'

const { Kafka, logLevel } = await import('kafkajs').then(({ default: library }) => library)

const TOPICS = [{ name: 'orders', partitions: 2 }] as const
const OPTIONS = { seed: 'a', topics: TOPICS } as const

/** An application that sends a number every 100 ms until it is asked to stop; returns what was acknowledged. */
function counter(simulation: Simulation, acknowledged: number[]): (life: ServiceLife) => Promise<void> {
  return async ({ signal }) => {
    const kafka = new Kafka({ brokers: simulation.bootstrap, logLevel: logLevel.NOTHING })
    const producer = kafka.producer()
    await producer.connect()
    for (let number = 0; !signal.aborted; number++) {
      await producer.send({ topic: 'orders', messages: [{ value: `${number}` }] })
      acknowledged.push(number)
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    await producer.disconnect()
  }
}

describe('a simulation', () => {
  it('runs an application with its own client, on virtual time, to the same digest every time', async () => {
    const run = () =>
      simulate(OPTIONS, async simulation => {
        const acknowledged: number[] = []
        const service = simulation.start('counter', counter(simulation, acknowledged))
        await simulation.sleep(2000)
        expect(await service.stop()).toBe(true)
        return acknowledged
      })
    const [one, other] = [await run(), await run()]
    expect(one.value.length).toBeGreaterThan(10)
    expect(one.digest).toBe(other.digest)
    expect((await simulate({ ...OPTIONS, seed: 'b' }, async () => undefined)).digest).not.toBe(one.digest)
  })

  it('starts an application anew when it is killed or redeployed, and not before', () =>
    simulate(OPTIONS, async simulation => {
      const lives: string[] = []
      const service = simulation.start('app', async ({ signal }) => {
        lives.push('starts')
        await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
        lives.push('stops')
      })
      await simulation.until('it runs', () => lives.length === 1)
      await service.redeploy({ downMs: 500 })
      await simulation.until('it runs again', () => lives.length === 3)
      service.kill()
      await simulation.sleep(10_000)
      expect(service.process).toBeUndefined()
      service.start()
      await simulation.until('it runs once more', () => lives.length === 4)
      expect(lives).toEqual(['starts', 'stops', 'starts', 'starts'])
      expect(service.starts).toBe(3)
    }))

  it('kills an application that does not stop in time', () =>
    simulate(OPTIONS, async simulation => {
      const service = simulation.start('deaf', () => new Promise<void>(() => undefined))
      await simulation.sleep(100)
      const startMs = simulation.nowMs
      expect(await service.stop({ graceMs: 4000 })).toBe(false)
      expect(simulation.nowMs - startMs).toBe(4000)
      expect(service.process).toBeUndefined()
    }))

  it('injects faults into brokers and applications, and heals them', () =>
    simulate(OPTIONS, async simulation => {
      const acknowledged: number[] = []
      const service = simulation.start('counter', counter(simulation, acknowledged), { supervised: true })
      await simulation.until('it sends', () => acknowledged.length > 3)
      simulation.inject('crash-leader', { on: 'leader', forMs: 3000 })
      simulation.inject('kill-client', { at: { ms: 1000 }, forMs: 500 })
      await simulation.sleep(2000)
      await simulation.heal()
      const before = acknowledged.length
      await simulation.until('it goes on', () => acknowledged.length > before + 3)
      expect(service.starts).toBeGreaterThan(1)
      const told = simulation.story.events.filter(({ who }) => who === 'fault').map(({ text }) => text)
      expect(told.join('\n')).toMatch(/kills counter \(kill -9\)[\s\S]*all faults end/)
      expect(FAULT_CATALOGUE['crash-leader'].name).toBe('crash-leader')
    }))

  it('runs a script on a machine of its own and gives its result', async () => {
    const { value } = await simulate(OPTIONS, simulation =>
      simulation.run('script', async () => {
        const admin = new Kafka({ brokers: simulation.bootstrap, logLevel: logLevel.NOTHING }).admin()
        await admin.connect()
        const topics = await admin.listTopics()
        await admin.disconnect()
        return topics
      }),
    )
    expect(value).toEqual(['orders'])
  })

  it('tells what happened, and how to see it again, when the body fails', async () => {
    const failing = simulate(OPTIONS, async simulation => {
      simulation.tell('now it comes')
      await simulation.until('pigs fly', () => false, 1000)
    })
    await expect(failing).rejects.toThrow(SimulationError)
    await expect(failing).rejects.toThrow(/^not within 1000 virtual ms: pigs fly\n\n.*seed a, digest [0-9a-f]{16}/)
    await expect(failing).rejects.toThrow(/test +now it comes/)
  })

  it('fails when an application ends with an error, unless it is supervised', async () => {
    const crash = async (): Promise<void> => {
      await new Promise(resolve => setTimeout(resolve, 100))
      throw new Error('out of luck')
    }
    await expect(
      simulate(OPTIONS, async simulation => {
        simulation.start('unlucky', crash)
        await simulation.sleep(5000)
      }),
    ).rejects.toThrow('out of luck')
    await simulate(OPTIONS, async simulation => {
      const service = simulation.start('unlucky', crash, { supervised: true })
      await simulation.sleep(5000)
      expect(service.starts).toBe(5)
    })
  })

  it('refuses clusters that cannot be', async () => {
    const none = async (): Promise<void> => undefined
    await expect(simulate({ ...OPTIONS, brokers: 10 }, none)).rejects.toThrow('from 1 to 9')
    const topics = [{ name: 'orders', replicationFactor: 3 }] as const
    await expect(simulate({ ...OPTIONS, topics, brokers: 2 }, none)).rejects.toThrow(
      'topic orders is to have 3 replicas',
    )
  })
})
