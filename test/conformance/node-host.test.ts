import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNodeRuntime } from '../../src/runtime/node/node-runtime.ts'
import { describeDisk, describeNetwork, describeTime, type Hosts, type HostUnderTest } from './host-suite.ts'

/** Two runtimes on this machine, in one process, over loopback. */
const makeNodeHost = (): HostUnderTest => ({
  async run<T>(body: (hosts: Hosts) => Promise<T>): Promise<T> {
    const directory = await mkdtemp(join(tmpdir(), 'node-host-'))
    const runtimeOf = (name: string) => createNodeRuntime({ name, dataDirectory: join(directory, name), lingerMs: 300 })
    try {
      return await body({ server: runtimeOf('server'), client: runtimeOf('client'), serverHost: '127.0.0.1' })
    } finally {
      await rm(directory, { recursive: true })
    }
  },
})

describeNetwork('the real host', makeNodeHost)
describeDisk('the real host', makeNodeHost)
describeTime('the real host', makeNodeHost)
