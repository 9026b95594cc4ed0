import { parse, relative, resolve } from 'node:path'
import { splitList } from '../../src/config/values.ts'
import { KafkaConfig } from '../../src/server/config/kafka-config.ts'
import { parseProperties } from '../../src/server/config/properties.ts'
import { combinedNodeProperties } from './combined-node.ts'

export interface ServeConfigOptions {
  /** The text of a `server.properties` file. */
  readonly text: string | undefined
  readonly port?: number
  readonly host?: string
  /** Settings over the file. */
  readonly set?: Readonly<Record<string, string>>
  /** All files lie in one directory that was chosen for them, whatever `log.dirs` says. */
  readonly inDirectory: boolean
}

const DEFAULT_HOST = '127.0.0.1'
const DEFAULT_PORT = 9092
/** Below the directory that was chosen. */
const LOG_DIRECTORY = 'kafka-logs'
const PATH_KEYS = ['log.dirs', 'log.dir', 'metadata.log.dir'] as const
/**
 * What a broker that is alone must be told, as in the `server.properties` that comes with Kafka; and, to be quick, that groups
 * need not wait for more members.
 */
const ALONE = [
  ['offsets.topic.replication.factor', '1'],
  ['transaction.state.log.replication.factor', '1'],
  ['transaction.state.log.min.isr', '1'],
  ['group.initial.rebalance.delay.ms', '0'],
] as const
/** What a file that has listeners says itself. */
const LISTENER_KEYS: ReadonlySet<string> = new Set([
  'listeners',
  'advertised.listeners',
  'controller.listener.names',
  'controller.quorum.voters',
  'listener.security.protocol.map',
])

/**
 * The configuration of a broker that serves. From the weakest to the strongest: a single combined node, alone, the file,
 * `--host` and `--port`, `--set`. Paths become relative to the root of the file system, as the runtime wants them.
 *
 * @throws ConfigError, PropertiesSyntaxError
 */
export function serveConfig(options: ServeConfigOptions): KafkaConfig {
  const { text = '', port, host, set = {}, inDirectory } = options
  const inFile = parseProperties(text)
  const fileValue = (key: string): string | undefined => set[key] ?? inFile.get(key)?.value
  const endPoint = { host: host ?? DEFAULT_HOST, port: port ?? DEFAULT_PORT }
  const node = combinedNodeProperties(endPoint, fileValue('node.id') ?? fileValue('broker.id'))
  const overridesListeners = port !== undefined || host !== undefined || !inFile.has('listeners')
  const overrides = new Map<string, string>()
  for (const [key, value] of [...ALONE, ...node]) {
    if (LISTENER_KEYS.has(key) ? overridesListeners : !inFile.has(key)) overrides.set(key, value)
  }
  for (const [key, value] of Object.entries(set)) overrides.set(key, value)
  for (const key of PATH_KEYS) {
    const value = fileValue(key)
    if (value !== undefined) overrides.set(key, splitList(value).map(fromRoot).join(','))
  }
  if (inDirectory) for (const key of PATH_KEYS) overrides.set(key, LOG_DIRECTORY)
  else if (fileValue('log.dirs') === undefined && fileValue('log.dir') === undefined) {
    overrides.set('log.dirs', fromRoot(KAFKA_DEFAULT_LOG_DIR))
  }
  return KafkaConfig.fromText(text, overrides)
}

/** Kafka's default of `log.dir`. */
const KAFKA_DEFAULT_LOG_DIR = '/tmp/kafka-logs'

/** Relative to the root of the file system. */
function fromRoot(path: string): string {
  const absolute = resolve(path)
  return relative(parse(absolute).root, absolute)
}
