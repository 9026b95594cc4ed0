import { ConfigError } from '../../src/config/config-error.ts'
import { ABILITIES } from '../explore/parse-group.ts'
import { type ConsumerClientName, THIRD_PARTY_CONSUMER_NAMES } from '../trial/group-spec.ts'
import type { VerdictConsumer } from './consumer-configuration.ts'
import type { JudgedConsumerKey } from './consumer-keys.ts'

type Wanted = Pick<VerdictConsumer, 'protocol' | 'assignor' | 'isStatic'>

/** platformatic 2.12 has events for assignments of the classic protocol only. */
const TELL_NOTHING_WITH_CONSUMER_PROTOCOL: ReadonlySet<ConsumerClientName> = new Set(['platformatic'])

/** Clients that can do what is asked for: the one that was asked for, or those of others. */
export function clientsFor(
  asked: ConsumerClientName | undefined,
  wanted: Wanted,
  notes: string[],
): ConsumerClientName[] {
  const candidates = asked === undefined ? THIRD_PARTY_CONSUMER_NAMES : [asked]
  const able = candidates.filter(name => lackOf(name, wanted) === undefined)
  const [unable] = candidates.flatMap(name => lackOf(name, wanted) ?? [])
  if (able.length > 0) {
    if (able.length < candidates.length && unable !== undefined) {
      notes.push(`Members are ${able.join(', ')} only: ${unable.what}.`)
    }
    return able
  }
  if (unable === undefined) throw new Error('a client that lacks nothing is able')
  const hint = asked === undefined && lackOf('java-semantics', wanted) === undefined
  throw new ConfigError(unable.key, unable.value, `${unable.what}${hint ? '; --consumer java-semantics does' : ''}`)
}

interface Lack {
  readonly key: JudgedConsumerKey
  readonly value: string
  readonly what: string
}

function lackOf(client: ConsumerClientName, { protocol, assignor, isStatic }: Wanted): Lack | undefined {
  const { protocols, assignors, hasStaticMembers } = ABILITIES[client]
  if (!protocols.includes(protocol)) {
    return { key: 'group.protocol', value: protocol, what: `${client} knows only ${protocols.join(', ')}` }
  }
  if (protocol === 'consumer' && TELL_NOTHING_WITH_CONSUMER_PROTOCOL.has(client)) {
    const what = `${client} tells neither what it owns nor its epochs with it, without which nothing can be judged`
    return { key: 'group.protocol', value: protocol, what }
  }
  if (assignor !== undefined && !assignors.includes(assignor)) {
    const what = `${client} has only ${assignors.join(', ')}`
    return { key: 'partition.assignment.strategy', value: assignor, what }
  }
  if (isStatic && !hasStaticMembers) {
    return { key: 'group.instance.id', value: 'one a member', what: `${client} has no static members` }
  }
  return undefined
}
