import { ConfigError } from '../config/config-error.ts'
import type { Address } from '../runtime/network.ts'

/** `host:port`, with a protocol in front or not, and IPv6 addresses in brackets. */
const HOST_PORT = /^(?:[a-zA-Z][a-zA-Z\d+.-]*:\/\/)?(\[[0-9a-fA-F:.%]+\]|[^\s:[\]/]+):(\d{1,5})$/

/**
 * The addresses of `bootstrap.servers` (ClientUtils.parseAndValidateAddresses; that names resolve is seen only when they are
 * connected to). Throws `ConfigError`.
 */
export function parseBootstrapServers(servers: readonly string[]): Address[] {
  const text = servers.join(',')
  const refuse = (why: string) => new ConfigError('bootstrap.servers', text, why)
  if (servers.length === 0) throw refuse('expected at least one host:port')
  if (new Set(servers).size !== servers.length) throw refuse('expected a list of host:port, none of them twice')
  return servers.map(server => {
    const [, host, port] = HOST_PORT.exec(server) ?? []
    if (host === undefined || Number(port) > 65_535) throw refuse(`expected host:port, found "${server}"`)
    return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
  })
}
