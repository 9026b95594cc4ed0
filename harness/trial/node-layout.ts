import type { ClusterSpec } from './scenario.ts'

/** Port of a broker's listener. */
export const BROKER_PORT = 9092
/** Port of a controller's listener. */
export const CONTROLLER_PORT = 9093
/** Node id of the first controller that is nothing else. */
const FIRST_SEPARATE_CONTROLLER = 101
/** Where brokers keep the logs of topics. The metadata log is on a disk of its own: replacing this one leaves it. */
export const DATA_DIRECTORY = 'data'
export const METADATA_DIRECTORY = 'metadata'
export const METADATA_LOG_DIRECTORY = `${METADATA_DIRECTORY}/__cluster_metadata-0`

/** A node of a cluster and what it is. */
export interface NodeSpec {
  readonly id: number
  /** Its host: `broker-1`, `controller-101`. */
  readonly name: string
  readonly isBroker: boolean
  readonly isController: boolean
}

/** The nodes of a cluster, by id. */
export function nodesOf({
  brokers,
  controllers,
  roles,
}: Pick<ClusterSpec, 'brokers' | 'controllers' | 'roles'>): NodeSpec[] {
  const nodes: NodeSpec[] = []
  const combined = roles === 'combined'
  for (let id = 1; id <= (combined ? Math.max(brokers, controllers) : brokers); id++) {
    const isBroker = id <= brokers
    nodes.push({ id, name: nameOf(id, isBroker), isBroker, isController: combined && id <= controllers })
  }
  for (let index = 0; !combined && index < controllers; index++) {
    const id = FIRST_SEPARATE_CONTROLLER + index
    nodes.push({ id, name: nameOf(id, false), isBroker: false, isController: true })
  }
  return nodes
}

function nameOf(id: number, isBroker: boolean): string {
  return isBroker ? `broker-${id}` : `controller-${id}`
}

/** `server.properties` of a node: what the cluster makes necessary, and `config` on top. */
export function nodeProperties(
  { id, name, isBroker, isController }: NodeSpec,
  nodes: readonly NodeSpec[],
  config: Readonly<Record<string, string>>,
): Map<string, string> {
  const roles = [...(isBroker ? ['broker'] : []), ...(isController ? ['controller'] : [])]
  const listeners = [
    ...(isBroker ? [`PLAINTEXT://${name}:${BROKER_PORT}`] : []),
    ...(isController ? [`CONTROLLER://${name}:${CONTROLLER_PORT}`] : []),
  ]
  const voters = nodes.filter(node => node.isController)
  const brokers = nodes.filter(node => node.isBroker).length
  const copies = `${Math.min(3, brokers)}`
  const base: Record<string, string> = {
    'process.roles': roles.join(','),
    'node.id': `${id}`,
    listeners: listeners.join(','),
    ...(isBroker ? { 'advertised.listeners': `PLAINTEXT://${name}:${BROKER_PORT}` } : {}),
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': voters.map(voter => `${voter.id}@${voter.name}:${CONTROLLER_PORT}`).join(','),
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': DATA_DIRECTORY,
    'metadata.log.dir': METADATA_DIRECTORY,
    'offsets.topic.replication.factor': copies,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': `${Math.min(2, brokers)}`,
  }
  return new Map(Object.entries({ ...base, ...config }))
}
