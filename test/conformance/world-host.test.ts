import { World } from '../../harness/world/world.ts'
import { describeDisk, describeNetwork, describeTime, type HostUnderTest } from './host-suite.ts'

/** Two simulated machines in one world; the body is the world's main program. */
const makeWorldHost = (schedule: 'fifo' | 'random') => (): HostUnderTest => ({
  run(body) {
    const world = new World({ seed: 'conformance', schedule })
    const server = world.host('server').process()
    const client = world.host('client').process()
    return world.run(() => body({ server, client, serverHost: 'server' }))
  },
})

for (const schedule of ['fifo', 'random'] as const) {
  describeNetwork(`the world (${schedule})`, makeWorldHost(schedule))
  describeDisk(`the world (${schedule})`, makeWorldHost(schedule))
  describeTime(`the world (${schedule})`, makeWorldHost(schedule))
}
