import { ConfigError } from '../../config/config-error.ts'
import { splitList } from '../../config/values.ts'

/** A listener: its name, and where it is. */
export interface EndPoint {
  /** Listener name, in capitals: `PLAINTEXT`. */
  readonly name: string
  /** Empty: all addresses of the host. */
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

const LISTENER = /^(?<name>[A-Za-z0-9_-]+):\/\/(?:\[(?<ipv6>[0-9A-Fa-f:.%]+)\]|(?<host>[^\s:/[\]]*)):(?<port>\d{1,5})$/
const EXPECTED = 'expected a list of NAME://host:port'

/** The listeners in a value such as `PLAINTEXT://:9092,CONTROLLER://:9093`. Throws ConfigError. */
export function parseEndPoints(key: string, value: string): EndPoint[] {
  const endPoints = splitList(value).map(item => parseEndPoint(key, value, item))
  const names = new Set<string>()
  for (const { name } of endPoints) {
    if (names.has(name))
      throw new ConfigError(key, value, `each listener must have a different name, ${name} comes twice`)
    names.add(name)
  }
  return endPoints
}

/** Throws ConfigError when two listeners want the same port, unless one has an IPv4 and the other an IPv6 address. */
export function requireDifferentPorts(key: string, value: string, endPoints: readonly EndPoint[]): void {
  const seen = new Map<string, string>()
  for (const { name, host, port } of endPoints) {
    const place = `${host.includes(':') ? 'IPv6' : 'IPv4'} ${port}`
    const other = seen.get(place)
    if (port !== 0 && other !== undefined) {
      throw new ConfigError(key, value, `each listener must have a different port, ${other} and ${name} share one`)
    }
    seen.set(place, name)
  }
}

/** Security protocol by listener name, of a value such as `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT`. Throws ConfigError. */
export function parseSecurityProtocolMap(key: string, value: string): Map<string, string> {
  const protocols = new Map<string, string>()
  for (const item of splitList(value)) {
    const match = /^([A-Za-z0-9_-]+):([A-Za-z0-9_]+)$/.exec(item)
    const [, name, protocol] = match ?? []
    if (name === undefined || protocol === undefined)
      throw new ConfigError(key, value, 'expected a list of NAME:PROTOCOL')
    protocols.set(name.toUpperCase(), protocol.toUpperCase())
  }
  return protocols
}

function parseEndPoint(key: string, value: string, item: string): EndPoint {
  const groups = LISTENER.exec(item)?.groups
  const port = Number(groups?.['port'])
  const name = groups?.['name']
  if (name === undefined || !(port <= 65_535)) throw new ConfigError(key, value, `${EXPECTED}, found "${item}"`)
  return { name: name.toUpperCase(), host: groups?.['ipv6'] ?? groups?.['host'] ?? '', port }
}
