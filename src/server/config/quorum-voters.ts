import { ConfigError } from '../../config/config-error.ts'
import { splitList } from '../../config/values.ts'

/** A voter of the metadata log. */
export interface QuorumVoter {
  readonly id: number
  readonly host: string
  readonly port: number
}

/** The voters in a value such as `1@host-1:9093,2@host-2:9093`. Throws ConfigError. */
export function parseQuorumVoters(key: string, value: string): QuorumVoter[] {
  const voters: QuorumVoter[] = []
  for (const item of splitList(value)) {
    const match = /^(\d{1,10})@(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:@/[\]]+)):(\d{1,5})$/.exec(item)
    const [, id, ipv6, name, port] = match ?? []
    const host = ipv6 ?? name
    if (id === undefined || host === undefined || !(Number(port) <= 65_535)) {
      throw new ConfigError(key, value, `expected a list of id@host:port, found "${item}"`)
    }
    if (voters.some(voter => voter.id === Number(id))) {
      throw new ConfigError(key, value, `each voter must have a different id, ${Number(id)} comes twice`)
    }
    voters.push({ id: Number(id), host, port: Number(port) })
  }
  return voters
}
