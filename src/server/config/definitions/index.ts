import type { BrokerConfigDef } from '../config-def.ts'
import { GROUP_COORDINATOR_DEFS } from './group-coordinator-defs.ts'
import { KRAFT_DEFS } from './kraft-defs.ts'
import { LOG_DEFS } from './log-defs.ts'
import { SERVER_DEFS } from './server-defs.ts'
import { SOCKET_SERVER_DEFS } from './socket-server-defs.ts'

/** All broker keys that mean something here, sorted by key. */
export const BROKER_CONFIG_DEFS: readonly BrokerConfigDef[] = [
  ...SOCKET_SERVER_DEFS,
  ...SERVER_DEFS,
  ...LOG_DEFS,
  ...GROUP_COORDINATOR_DEFS,
  ...KRAFT_DEFS,
].sort((a, b) => (a.key < b.key ? -1 : 1))

const BY_KEY: ReadonlyMap<string, BrokerConfigDef> = new Map(BROKER_CONFIG_DEFS.map(def => [def.key, def]))

/** Undefined for a key that means nothing here. */
export function brokerConfigDef(key: string): BrokerConfigDef | undefined {
  return BY_KEY.get(key)
}
