import { createManualRuntime } from '../support/manual-runtime.ts'
import { describeDisk, describeNetwork, describeTime, type HostUnderTest } from './host-suite.ts'

/** The in-memory host that unit tests use: what passes on it must not rest on its mistakes. */
const makeManualHost = (): HostUnderTest => ({
  run(body) {
    const server = createManualRuntime({ name: 'server' })
    const client = server.sibling({ name: 'client' })
    return server.run(() => body({ server, client, serverHost: 'server' }))
  },
})

describeNetwork('the manual host', makeManualHost)
describeDisk('the manual host', makeManualHost)
describeTime('the manual host', makeManualHost)
