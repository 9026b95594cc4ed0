import { MessageCodec } from './message-codec.ts'
import type { Fields } from './schema.ts'

/** First and last version, both included. */
export type VersionRange = readonly [first: number, last: number]

export interface ApiOptions<Q extends Fields, S extends Fields> {
  /** The number that stands for the API on the wire. */
  readonly key: number
  readonly name: string
  /** The versions that are accepted. */
  readonly versions: VersionRange
  /** The versions that ApiVersions tells clients, when they are others than those accepted. */
  readonly advertise?: VersionRange
  /** The first version with compact lengths and tagged fields; null: none has them. */
  readonly flexibleSince: number | null
  /** Whether responses keep header version 0 in every version: so it is for ApiVersions alone (KIP-511). */
  readonly plainResponseHeader?: true
  readonly request: Q
  readonly response: S
}

/** One of Kafka's APIs: its number, its versions and its two messages. */
export class Api<Q extends Fields = Fields, S extends Fields = Fields> {
  readonly key: number
  readonly name: string
  readonly versions: VersionRange
  readonly advertise: VersionRange
  readonly flexibleSince: number | null
  readonly request: MessageCodec<Q>
  readonly response: MessageCodec<S>
  readonly #plainResponseHeader: boolean

  constructor(options: ApiOptions<Q, S>) {
    const { key, name, versions, flexibleSince } = options
    this.key = key
    this.name = name
    this.versions = versions
    this.advertise = options.advertise ?? versions
    this.flexibleSince = flexibleSince
    this.request = new MessageCodec(options.request, { name: `${name}Request`, flexibleSince })
    this.response = new MessageCodec(options.response, { name: `${name}Response`, flexibleSince })
    this.#plainResponseHeader = options.plainResponseHeader ?? false
  }

  /** Whether requests of this version are accepted. */
  accepts(version: number): boolean {
    return version >= this.versions[0] && version <= this.versions[1]
  }

  requestHeaderVersion(version: number): 1 | 2 {
    return this.request.isFlexible(version) ? 2 : 1
  }

  responseHeaderVersion(version: number): 0 | 1 {
    return this.response.isFlexible(version) && !this.#plainResponseHeader ? 1 : 0
  }
}

/** Declares an API. */
export function api<const Q extends Fields, const S extends Fields>(options: ApiOptions<Q, S>): Api<Q, S> {
  return new Api(options)
}
