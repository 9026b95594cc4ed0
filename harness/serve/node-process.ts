import { NetworkError } from '../../src/runtime/network.ts'
import { createNodeRuntime } from '../../src/runtime/node/node-runtime.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import { KafkaConfig } from '../../src/server/config/kafka-config.ts'
import { KafkaRaftServer } from '../../src/server/kafka-raft-server.ts'
import type { NodeOrder, NodeReport } from './node-messages.ts'
import { RefusingNetwork } from './refusing-network.ts'

/** A node that has not stopped by then is ended, when whoever serves the cluster is gone. */
const ORPHAN_LIMIT_MS = 10_000

let network: RefusingNetwork | undefined
let server: KafkaRaftServer | undefined

async function obey(order: NodeOrder): Promise<void> {
  switch (order.type) {
    case 'start':
      await start(order)
      break
    case 'refuse':
      network?.refuse(order.ports)
      break
    case 'stop-broker':
      await server?.shutdownBroker()
      report({ type: 'broker-stopped' })
      break
    case 'stop':
      await stop()
      break
  }
}

async function start(order: Extract<NodeOrder, { readonly type: 'start' }>): Promise<void> {
  const { nodeId, dataDirectory, clusterId, refusedPorts } = order
  const base = createNodeRuntime({ name: `broker-${nodeId}`, dataDirectory })
  network = new RefusingNetwork(base.network)
  network.refuse(refusedPorts)
  const runtime: Runtime = { ...base, network }
  const config = KafkaConfig.fromProperties(new Map(order.properties))
  server = new KafkaRaftServer(runtime, config, {
    clusterId,
    onHalt: reason => fail(`node ${nodeId} has halted: ${reason}`, false),
  })
  try {
    await server.startup()
    report({ type: 'started' })
  } catch (error) {
    if (error instanceof NetworkError) fail(`node ${nodeId} cannot listen: ${error.message}`, true)
    else fail(error instanceof Error ? (error.stack ?? error.message) : String(error), false)
  }
}

async function stop(): Promise<void> {
  await server?.shutdown()
  process.exit(0)
}

function fail(message: string, usage: boolean): void {
  process.send?.({ type: 'failed', message, usage } satisfies NodeReport, () => process.exit(usage ? 2 : 4))
}

function report(message: NodeReport): void {
  process.send?.(message)
}

process.on('message', (order: NodeOrder) => {
  obey(order).catch((error: unknown) => {
    fail(error instanceof Error ? (error.stack ?? error.message) : String(error), false)
  })
})
// Ctrl-C reaches every process of the terminal: the one that serves the cluster says when to stop.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => void stop())
process.on('disconnect', () => {
  setTimeout(() => process.exit(1), ORPHAN_LIMIT_MS).unref()
  void stop()
})
