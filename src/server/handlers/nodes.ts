import type { MetadataImage } from '../../controller/image/metadata-image.ts'
import type { RandomStream } from '../../runtime/runtime.ts'

/** A broker as clients on one listener reach it. */
export interface Node {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** The broker's address on the listener; undefined when it has none or is not registered. */
export function nodeOf(image: MetadataImage, brokerId: number, listenerName: string): Node | undefined {
  const broker = image.cluster.broker(brokerId)
  const endpoint = broker?.listeners.get(listenerName)
  if (broker === undefined || endpoint === undefined) return undefined
  return { id: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack }
}

/** The brokers that are not fenced and can be reached on the listener, ascending by id. */
export function aliveNodes(image: MetadataImage, listenerName: string): Node[] {
  return image.cluster.aliveBrokers().flatMap(broker => nodeOf(image, broker.id, listenerName) ?? [])
}

/** What clients are told is the controller: any broker, which passes on what the controller must do (KIP-590). −1: none. */
export function randomAliveBroker(image: MetadataImage, random: RandomStream): number {
  const alive = image.cluster.aliveBrokers()
  return alive[alive.length > 1 ? random.int(0, alive.length - 1) : 0]?.id ?? -1
}
