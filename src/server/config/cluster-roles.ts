import { ConfigError } from '../../config/config-error.ts'
import { type EndPoint, parseEndPoints, parseSecurityProtocolMap, requireDifferentPorts } from './end-point.ts'
import { parseQuorumVoters, type QuorumVoter } from './quorum-voters.ts'

/** What a node is, where it listens, and who votes. */
export interface ClusterRoles {
  readonly nodeId: number
  readonly isBroker: boolean
  readonly isController: boolean
  readonly brokerListeners: readonly EndPoint[]
  readonly controllerListeners: readonly EndPoint[]
  readonly advertisedListeners: readonly EndPoint[]
  readonly controllerListenerNames: readonly string[]
  readonly interBrokerListenerName: string
  readonly quorumVoters: readonly QuorumVoter[]
}

/** Values by key, as `KafkaConfig` has them. */
export interface ConfigValues {
  get(key: string): string | null
  getNumber(key: string): number
  getList(key: string): string[]
  explicit(key: string): string | undefined
}

/** Kafka's rules for roles and listeners in KRaft. Throws ConfigError. */
export function resolveClusterRoles(config: ConfigValues): ClusterRoles {
  const roles = config.getList('process.roles')
  if (roles.length === 0) {
    throw new ConfigError('process.roles', '', 'expected broker, controller, or broker,controller: there is no default')
  }
  if (new Set(roles).size !== roles.length) {
    throw new ConfigError('process.roles', roles.join(','), 'no role may come twice')
  }
  const isBroker = roles.includes('broker')
  const isController = roles.includes('controller')
  const nodeId = resolveNodeId(config)
  const controllerListenerNames = config.getList('controller.listener.names').map(name => name.toUpperCase())
  if (controllerListenerNames.length === 0) {
    throw new ConfigError('controller.listener.names', '', 'expected at least one listener name: there is no default')
  }
  const listeners = listenersOf(config)
  const isControllerListener = ({ name }: EndPoint): boolean => controllerListenerNames.includes(name)
  const controllerListeners = listeners.filter(isControllerListener)
  const brokerListeners = listeners.filter(endPoint => !isControllerListener(endPoint))
  checkListeners(config, { isBroker, isController, controllerListeners, brokerListeners, controllerListenerNames })
  const advertisedListeners = isBroker ? advertised(config, listeners, controllerListenerNames) : []
  return {
    nodeId,
    isBroker,
    isController,
    brokerListeners,
    controllerListeners,
    advertisedListeners,
    controllerListenerNames,
    interBrokerListenerName: interBrokerListener(config, isBroker, advertisedListeners, controllerListenerNames),
    quorumVoters: voters(config, nodeId, isController),
  }
}

function resolveNodeId(config: ConfigValues): number {
  const nodeId = config.getNumber('node.id')
  const brokerId = config.getNumber('broker.id')
  const bothSet = config.explicit('node.id') !== undefined && config.explicit('broker.id') !== undefined
  if (bothSet && nodeId !== brokerId) {
    throw new ConfigError('broker.id', String(brokerId), `must be the same as node.id, which is ${nodeId}`)
  }
  const id = config.explicit('node.id') === undefined ? brokerId : nodeId
  if (id < 0) throw new ConfigError('node.id', String(id), 'expected a whole number from 0 up: there is no default')
  return id
}

function listenersOf(config: ConfigValues): EndPoint[] {
  const value = config.get('listeners') ?? ''
  const listeners = parseEndPoints('listeners', value)
  requireDifferentPorts('listeners', value, listeners)
  if (listeners.length === 0) throw new ConfigError('listeners', value, 'expected at least one NAME://host:port')
  return listeners
}

interface ListenerRoles {
  readonly isBroker: boolean
  readonly isController: boolean
  readonly controllerListeners: readonly EndPoint[]
  readonly brokerListeners: readonly EndPoint[]
  readonly controllerListenerNames: readonly string[]
}

function checkListeners(config: ConfigValues, roles: ListenerRoles): void {
  const value = config.get('listeners') ?? ''
  const names = roles.controllerListenerNames.join(',')
  if (roles.isController && roles.controllerListeners.length === 0) {
    throw new ConfigError('controller.listener.names', names, `must name one of the listeners, which are ${value}`)
  }
  if (!roles.isController && roles.controllerListeners.length > 0) {
    throw new ConfigError(
      'listeners',
      value,
      `must not hold a controller listener (${names}) on a node that is only a broker`,
    )
  }
  if (!roles.isBroker && roles.brokerListeners.length > 0) {
    throw new ConfigError(
      'listeners',
      value,
      `must hold only controller listeners (${names}) on a node that is only a controller`,
    )
  }
  if (roles.isBroker && roles.brokerListeners.length === 0) {
    throw new ConfigError('listeners', value, `must hold a listener other than that of the controller (${names})`)
  }
  const used = [...roles.brokerListeners, ...roles.controllerListeners].map(({ name }) => name)
  checkProtocols(config, [...used, ...roles.controllerListenerNames])
}

/** Every listener needs a protocol, and it must be PLAINTEXT. A name that is a protocol's stands for it unless mapped. */
function checkProtocols(config: ConfigValues, names: readonly string[]): void {
  const key = 'listener.security.protocol.map'
  const value = config.get(key) ?? ''
  const protocols = parseSecurityProtocolMap(key, value)
  const defaultMap = config.explicit(key) === undefined
  for (const name of new Set(names)) {
    // As in Kafka, a controller listener without an entry of its own is PLAINTEXT while the map has its default.
    const protocol = protocols.get(name) ?? (defaultMap ? 'PLAINTEXT' : undefined)
    if (protocol === undefined) throw new ConfigError(key, value, `must have an entry for listener ${name}`)
    if (protocol !== 'PLAINTEXT') {
      throw new ConfigError(key, value, `listener ${name} has ${protocol}, only PLAINTEXT is built`)
    }
  }
}

/**
 * What clients are told. A combined node may advertise its controller listeners too (KIP-853, and Kafka's own sample
 * configuration does); they are not for clients.
 */
function advertised(
  config: ConfigValues,
  listeners: readonly EndPoint[],
  controllerListenerNames: readonly string[],
): EndPoint[] {
  const key = 'advertised.listeners'
  const value = config.get(key)
  const isForClients = ({ name }: EndPoint): boolean => !controllerListenerNames.includes(name)
  if (value === null) {
    return listeners.filter(isForClients).map(endPoint => ({
      ...endPoint,
      host: isWildcard(endPoint.host) ? 'localhost' : endPoint.host,
    }))
  }
  const endPoints = parseEndPoints(key, value)
  for (const { name, host } of endPoints) {
    if (isWildcard(host))
      throw new ConfigError(key, value, `listener ${name} must have an address that clients can reach`)
    if (!listeners.some(listener => listener.name === name)) {
      throw new ConfigError(key, value, `listener ${name} must be one of listeners`)
    }
  }
  return endPoints.filter(isForClients)
}

function isWildcard(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::'
}

function interBrokerListener(
  config: ConfigValues,
  isBroker: boolean,
  advertisedListeners: readonly EndPoint[],
  controllerListenerNames: readonly string[],
): string {
  const key = 'inter.broker.listener.name'
  const name = (config.get(key) ?? 'PLAINTEXT').toUpperCase()
  if (!isBroker) return name
  if (controllerListenerNames.includes(name)) throw new ConfigError(key, name, 'must not be a controller listener')
  if (!advertisedListeners.some(listener => listener.name === name)) {
    const names = advertisedListeners.map(listener => listener.name).join(', ')
    throw new ConfigError(key, name, `must be one of the advertised listeners, which are ${names}`)
  }
  return name
}

function voters(config: ConfigValues, nodeId: number, isController: boolean): QuorumVoter[] {
  const key = 'controller.quorum.voters'
  const value = config.get(key) ?? ''
  const parsed = parseQuorumVoters(key, value)
  if (parsed.length === 0) {
    if (config.getList('controller.quorum.bootstrap.servers').length > 0) return parsed
    throw new ConfigError(key, value, 'expected a list of id@host:port, or controller.quorum.bootstrap.servers')
  }
  const isVoter = parsed.some(voter => voter.id === nodeId)
  if (isController && !isVoter) throw new ConfigError(key, value, `must hold this node, whose id is ${nodeId}`)
  if (!isController && isVoter) {
    throw new ConfigError(key, value, `must not hold this node, whose id is ${nodeId}, because it is no controller`)
  }
  return parsed
}
