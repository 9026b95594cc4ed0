import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, parse, resolve } from 'node:path'
import { NetworkError } from '../../src/runtime/network.ts'
import { createNodeRuntime } from '../../src/runtime/node/node-runtime.ts'
import { BrokerServer } from '../../src/server/broker-server.ts'
import { readText } from '../explore/real-host.ts'
import { printError, printJson, printLines } from './output.ts'
import { serveConfig } from './serve-config.ts'
import { UsageError } from './usage-error.ts'

export interface ServeFlags {
  readonly port?: number
  readonly host?: string
  readonly data?: string
  readonly config?: string
  readonly set?: Record<string, string>
  readonly json?: boolean
}

/** What ends a broker that serves. */
type End = { readonly kind: 'signal' } | { readonly kind: 'halt'; readonly reason: string }

/** Runs a broker on the real machine until it is told to stop. */
export async function serveCommand(flags: ServeFlags): Promise<number> {
  const data = dataOf(flags)
  try {
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
  const broker = new BrokerServer(runtime, config, { onHalt: reason => end({ kind: 'halt', reason }) })
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

async function started(broker: BrokerServer): Promise<void> {
  try {
    await broker.startup()
  } catch (error) {
    await broker.shutdown()
    if (error instanceof NetworkError) throw new UsageError(`cannot listen: ${error.message}`)
    throw error
  }
}

function announce(broker: BrokerServer, { json }: ServeFlags, directory: string | undefined): void {
  const [listener] = broker.config.listeners
  const host = listener?.host ?? ''
  const port = broker.boundPort()
  const where = directory ?? broker.config.logDirs.map(path => resolve(parse(resolve('.')).root, path)).join(', ')
  if (json === true) printJson({ command: 'serve', host, port, clusterId: broker.clusterId, data: where })
  else printLines([`listening on ${host === '' ? '0.0.0.0' : host}:${port}, files in ${where}; Ctrl-C stops it`])
}

function textOf(path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  try {
    return readText(path)
  } catch (error) {
    throw new UsageError(`cannot read --config ${path}: ${error instanceof Error ? error.message : error}`)
  }
}

interface Data {
  /** The directory that holds all files; undefined when `log.dirs` of the configuration say where they are. */
  readonly directory: string | undefined
  readonly release: () => void
}

function dataOf({ data, config, set }: ServeFlags): Data {
  if (data !== undefined) return { directory: resolve(data), release: () => undefined }
  if (set?.['log.dirs'] !== undefined || config !== undefined) return { directory: undefined, release: () => undefined }
  const directory = mkdtempSync(join(tmpdir(), 'kafka-trial-'))
  return { directory, release: () => rmSync(directory, { recursive: true, force: true }) }
}

/** The first signal stops the broker cleanly, the second one the process. */
function onSignals(stop: () => void): () => void {
  let stopping = false
  const onSignal = (): void => {
    if (stopping) process.exit(130)
    stopping = true
    stop()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return () => {
    process.removeListener('SIGINT', onSignal)
    process.removeListener('SIGTERM', onSignal)
  }
}
