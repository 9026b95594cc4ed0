import { KafkaConfig } from '../../src/server/config/kafka-config.ts'
import { parseProperties } from '../../src/server/config/properties.ts'
import { ControlServer } from '../serve/control-server.ts'
import { ServeCluster } from '../serve/serve-cluster.ts'
import { NodeFailure } from '../serve/serve-node.ts'
import { combinedNodeProperties } from './combined-node.ts'
import { printError, printJson, printLines } from './output.ts'
import type { ServeFlags } from './serve-command.ts'
import { onSignals, textOf } from './serve-host.ts'
import { UsageError } from './usage-error.ts'

const DEFAULT_HOST = '127.0.0.1'
const DEFAULT_BASE_PORT = 9092
const MAX_PORT = 65_535
const INTERNAL = 4

/** Runs a cluster, each node in a process of its own, until it is told to stop. */
export async function serveCluster(flags: ServeFlags, directory: string): Promise<number> {
  const { brokers = 1, basePort = DEFAULT_BASE_PORT, host = DEFAULT_HOST, controlPort } = flags
  if (basePort + brokers - 1 > MAX_PORT)
    throw new UsageError(`--base-port ${basePort} leaves no room for ${brokers} ports`)
  const cluster = await ServeCluster.create({
    brokers,
    host,
    basePort,
    directory,
    properties: checkedProperties(flags),
    onFailure: ({ message }) => printError(message),
  })
  const control = controlPort === undefined ? undefined : new ControlServer(cluster)
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
  const release = onSignals(stop)
  try {
    const boundControlPort = await listen(control, controlPort ?? 0)
    const failure = await Promise.race([startOf(cluster), stopped])
    if (failure !== undefined) return failed(failure)
    announce(cluster, flags, directory, boundControlPort)
    await stopped
    await cluster.stop()
    return 0
  } finally {
    control?.close()
    await cluster.kill()
    release()
  }
}

/** Undefined when it has started. */
async function startOf(cluster: ServeCluster): Promise<NodeFailure | undefined> {
  try {
    await cluster.start()
    return undefined
  } catch (error) {
    if (error instanceof NodeFailure) return error
    throw error
  }
}

function failed({ message, usage }: NodeFailure): number {
  if (usage) throw new UsageError(message)
  printError(message)
  return INTERNAL
}

async function listen(control: ControlServer | undefined, port: number): Promise<number | undefined> {
  try {
    return await control?.listen(port)
  } catch (error) {
    throw new UsageError(`cannot listen on --control-port ${port}: ${error instanceof Error ? error.message : error}`)
  }
}

/** What the user sets for all nodes. Throws ConfigError and PropertiesSyntaxError; warns of keys that Kafka does not have. */
function checkedProperties({ config, set = {} }: ServeFlags): ReadonlyMap<string, string> {
  const text = textOf(config) ?? ''
  const properties = new Map([...parseProperties(text)].map(([key, { value }]) => [key, value]))
  for (const [key, value] of Object.entries(set)) properties.set(key, value)
  const node = combinedNodeProperties({ host: DEFAULT_HOST, port: DEFAULT_BASE_PORT })
  const checked = KafkaConfig.fromText(text, new Map([...Object.entries(set), ...node]))
  for (const { message } of checked.warnings) printError(message)
  return properties
}

function announce(
  cluster: ServeCluster,
  { json }: ServeFlags,
  directory: string,
  controlPort: number | undefined,
): void {
  const { clusterId, bootstrap } = cluster
  if (json === true) {
    const brokers = [...cluster.nodes.values()].map(({ id, pid, options: { host, port } }) => ({ id, host, port, pid }))
    const control = controlPort === undefined ? {} : { controlPort }
    printJson({ command: 'serve', bootstrap, brokers, clusterId, data: directory, ...control })
    return
  }
  printLines([
    `${cluster.nodes.size} brokers listen on ${bootstrap}, files in ${directory}; Ctrl-C stops them`,
    ...(controlPort === undefined ? [] : [`faults: http://127.0.0.1:${controlPort}/faults`]),
  ])
}
