import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, parse, resolve } from 'node:path'
import { NetworkError } from '../../src/runtime/network.ts'
import { createNodeRuntime } from '../../src/runtime/node/node-runtime.ts'
import { KafkaRaftServer } from '../../src/server/kafka-raft-server.ts'
import { printError, printJson, printLines } from './output.ts'
import { serveCluster } from './serve-cluster.ts'
import { serveConfig } from './serve-config.ts'
import { onSignals, textOf } from './serve-host.ts'
import { UsageError } from './usage-error.ts'

export interface ServeFlags {
  readonly brokers?: number
  readonly port?: number
  readonly basePort?: number
  readonly controlPort?: number
  readonly host?: string
  readonly data?: string
  readonly config?: string
  readonly set?: Record<string, string>
  readonly json?: boolean
}

/** What ends a broker that serves. */
type End = { readonly kind: 'signal' } | { readonly kind: 'halt'; readonly reason: string }

/** Runs a broker, or a cluster of them, on the real machine until it is told to stop. */
export async function serveCommand(flags: ServeFlags): Promise<number> {
  const isCluster = flags.brokers !== undefined || flags.basePort !== undefined || flags.controlPort !== undefined
  if (isCluster && flags.port !== undefined) {
    throw new UsageError('--port is for one broker in this process; a cluster takes --base-port')
  }
  const data = dataOf(flags, isCluster)
  try {
    if (isCluster && data.directory !== undefined) return await serveCluster(flags, data.directory)
    return await serve(flags, data.directory)
  } finally {
    data.release()
  }
}

async function serve(flags: ServeFlags, directory: string | undefined): Promise<number> {
  const config = serveConfig({ ...flags, text: textOf(flags.config), inDirectory: directory !== undefined })
  for (const { message } of config.warnings) printError(message)
  const { promise: ended, resolve: end } = Promise.withResolvers<End>()
  const runtime = createNodeRuntime({ name: 'broker-1', dataDirectory: directory ?? parse(resolve('.')).root })
  const broker = new KafkaRaftServer(runtime, config, { onHalt: reason => end({ kind: 'halt', reason }) })
  const release = onSignals(() => end({ kind: 'signal' }))
  try {
    await started(broker)
    announce(broker, flags, directory)
    const why = await ended
    if (why.kind === 'halt') {
      printError(`the broker has halted: ${why.reason}`)
      return 4
    }
    await broker.shutdown()
    return 0
  } finally {
    release()
  }
}

async function started(broker: KafkaRaftServer): Promise<void> {
  try {
    await broker.startup()
  } catch (error) {
    await broker.shutdown()
    if (error instanceof NetworkError) throw new UsageError(`cannot listen: ${error.message}`)
    throw error
  }
}

function announce(broker: KafkaRaftServer, { json }: ServeFlags, directory: string | undefined): void {
  const [listener] = broker.config.listeners
  const host = listener?.host ?? ''
  const port = broker.boundPort()
  const where = directory ?? broker.config.logDirs.map(path => resolve(parse(resolve('.')).root, path)).join(', ')
  if (json === true) printJson({ command: 'serve', host, port, clusterId: broker.clusterId, data: where })
  else printLines([`listening on ${host === '' ? '0.0.0.0' : host}:${port}, files in ${where}; Ctrl-C stops it`])
}

interface Data {
  /** The directory that holds all files; undefined when `log.dirs` of the configuration say where they are. */
  readonly directory: string | undefined
  readonly release: () => void
}

function dataOf({ data, config, set }: ServeFlags, isCluster: boolean): Data {
  if (data !== undefined) return { directory: resolve(data), release: () => undefined }
  const says = set?.['log.dirs'] !== undefined || config !== undefined
  if (says && !isCluster) return { directory: undefined, release: () => undefined }
  const directory = mkdtempSync(join(tmpdir(), 'kafka-trial-'))
  return { directory, release: () => rmSync(directory, { recursive: true, force: true }) }
}
