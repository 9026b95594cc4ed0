import { ZERO_UUID } from './uuid.ts'

/**
 * The language in which messages are declared. A message is an object of fields in wire order:
 *
 * ```ts
 * export const DeleteTopicsRequest = message({
 *   topics: array({ name: string({ nullable: true, default: null }), topicId: uuid() }, { since: 6 }),
 *   topicNames: array(string(), { until: 5, ignorable: true }),
 *   timeoutMs: int32(),
 * })
 * ```
 *
 * From it come the type of a decoded message (`Message`), the type of what may be encoded (`MessageInput`) and, through
 * `MessageCodec`, encoder and decoder for every version. The rules are those of Kafka's message definitions.
 */

/** What a field holds on the wire. */
export type FieldType =
  | { readonly kind: PrimitiveKind }
  | { readonly kind: 'array'; readonly element: FieldType }
  | { readonly kind: 'struct'; readonly fields: Fields }

export type PrimitiveKind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'int64Saturated'
  | 'bigInt64'
  | 'uint16'
  | 'uint32'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'

export interface FieldOptions<V = unknown> {
  /** The first version that has the field; absent: all have it. */
  readonly since?: number
  /** The last version that has the field; absent: all later ones have it. */
  readonly until?: number
  /** Whether null is a value, in every version. */
  readonly nullable?: true
  /** The first version in which null is a value. */
  readonly nullableSince?: number
  /** The number of a tagged field: written at the end of its struct, and only when it is not the default. */
  readonly tag?: number
  /**
   * The value in versions without the field, and of a field left out by the caller. Absent: Kafka's own, which is zero,
   * false, empty, the zero UUID, or for a struct the defaults of its fields.
   */
  readonly default?: V | null
  /** Whether a value other than the default is silently dropped, instead of refused, in versions without the field. */
  readonly ignorable?: true
}

/**
 * A field of a message. `Decoded` is the type of its value, `Input` what may be given for it, `Optional` whether it may
 * be left out: when it has a default, or is not in every version.
 */
export class Field<Decoded = unknown, Input = unknown, Optional extends boolean = boolean> {
  declare readonly decoded: Decoded
  declare readonly input: Input
  declare readonly optional: Optional
  readonly type: FieldType
  readonly options: FieldOptions

  constructor(type: FieldType, options: FieldOptions) {
    this.type = type
    this.options = options
  }

  /** Whether messages of this version have the field. */
  existsIn(version: number): boolean {
    return version >= (this.options.since ?? 0) && version <= (this.options.until ?? Number.MAX_SAFE_INTEGER)
  }

  /** Whether null may be written in this version. */
  nullableIn(version: number): boolean {
    const { nullable, nullableSince } = this.options
    return nullable === true || (nullableSince !== undefined && version >= nullableSince)
  }

  /** The value in versions without the field. Shared: never change it. */
  get defaultValue(): unknown {
    const { options } = this
    return options.default === undefined ? implicitDefault(this.type) : options.default
  }
}

export interface Fields {
  readonly [name: string]: Field
}

type NullOf<O> = O extends { readonly nullable: true } | { readonly nullableSince: number } ? null : never
type OptionalOf<O> = O extends
  | { readonly default: unknown }
  | { readonly since: number }
  | { readonly until: number }
  | { readonly tag: number }
  ? true
  : false

type FieldOf<V, I, O> = Field<V | NullOf<O>, I | NullOf<O>, OptionalOf<O>>

/** The key under which a decoded struct keeps the tagged fields it does not know, so that they are written again. */
export const UNKNOWN_TAGS: unique symbol = Symbol('unknown tagged fields')

/** A tagged field of a later version. `data` is a view of the frame. */
export interface UnknownTag {
  readonly tag: number
  readonly data: Buffer
}

// A type and not an interface: only so may a message stand for an object with any keys.
type WithUnknownTags = { readonly [UNKNOWN_TAGS]?: readonly UnknownTag[] }

/** A decoded message or struct: every field is there; one that the version lacks has its default. */
export type Message<F extends Fields> = { readonly [K in keyof F]: F[K]['decoded'] } & WithUnknownTags

/** What may be encoded: fields with a default may be left out, and so may fields that not every version has. */
export type MessageInput<F extends Fields> = {
  readonly [K in keyof F as F[K]['optional'] extends true ? never : K]: F[K]['input']
} & {
  readonly [K in keyof F as F[K]['optional'] extends true ? K : never]?: F[K]['input'] | undefined
} & WithUnknownTags

/** Declares a message; names the fields in wire order. */
export function message<const F extends Fields>(fields: F): F {
  return fields
}

export function bool<const O extends FieldOptions<boolean> = object>(options?: O): FieldOf<boolean, boolean, O> {
  return new Field({ kind: 'bool' }, options ?? {})
}

export function int8<const O extends FieldOptions<number> = object>(options?: O): FieldOf<number, number, O> {
  return new Field({ kind: 'int8' }, options ?? {})
}

export function int16<const O extends FieldOptions<number> = object>(options?: O): FieldOf<number, number, O> {
  return new Field({ kind: 'int16' }, options ?? {})
}

export function int32<const O extends FieldOptions<number> = object>(options?: O): FieldOf<number, number, O> {
  return new Field({ kind: 'int32' }, options ?? {})
}

/** A 64-bit integer; on the wire it must lie within ±2^53. */
export function int64<const O extends FieldOptions<number> = object>(options?: O): FieldOf<number, number, O> {
  return new Field({ kind: 'int64' }, options ?? {})
}

/**
 * A 64-bit integer that uses the largest one to say "not set": `Number.MAX_SAFE_INTEGER` stands for all that is greater,
 * `Number.MIN_SAFE_INTEGER` for all that is less.
 */
export function int64Saturated<const O extends FieldOptions<number> = object>(options?: O): FieldOf<number, number, O> {
  return new Field({ kind: 'int64Saturated' }, options ?? {})
}

/** A 64-bit integer whose every bit counts, such as a hash. */
export function bigInt64<const O extends FieldOptions<bigint> = object>(options?: O): FieldOf<bigint, bigint, O> {
  return new Field({ kind: 'bigInt64' }, options ?? {})
}

export function uint16<const O extends FieldOptions<number> = object>(options?: O): FieldOf<number, number, O> {
  return new Field({ kind: 'uint16' }, options ?? {})
}

export function uint32<const O extends FieldOptions<number> = object>(options?: O): FieldOf<number, number, O> {
  return new Field({ kind: 'uint32' }, options ?? {})
}

export function float64<const O extends FieldOptions<number> = object>(options?: O): FieldOf<number, number, O> {
  return new Field({ kind: 'float64' }, options ?? {})
}

/** 16 bytes, in Kafka's text form of 22 characters; absent is `ZERO_UUID`. */
export function uuid<const O extends FieldOptions<string> = object>(options?: O): FieldOf<string, string, O> {
  return new Field({ kind: 'uuid' }, options ?? {})
}

/** At most 32,767 bytes of UTF-8. */
export function string<const O extends FieldOptions<string> = object>(options?: O): FieldOf<string, string, O> {
  return new Field({ kind: 'string' }, options ?? {})
}

/** Bytes; decoded, a view of the frame. */
export function bytes<const O extends FieldOptions<Buffer> = object>(options?: O): FieldOf<Buffer, Uint8Array, O> {
  return new Field({ kind: 'bytes' }, options ?? {})
}

/** Record batches, undecoded; on the wire the same as `bytes`. Decoded, a view of the frame. */
export function records<const O extends FieldOptions<Buffer> = object>(options?: O): FieldOf<Buffer, Uint8Array, O> {
  return new Field({ kind: 'records' }, options ?? {})
}

/** A struct as the value of a field. */
export function struct<const F extends Fields, const O extends FieldOptions<never> = object>(
  fields: F,
  options?: O,
): FieldOf<Message<F>, MessageInput<F>, O> {
  return new Field({ kind: 'struct', fields }, options ?? {})
}

type ElementDecoded<E> = E extends Field<infer V, unknown, boolean> ? V : E extends Fields ? Message<E> : never
type ElementInput<E> = E extends Field<unknown, infer I, boolean> ? I : E extends Fields ? MessageInput<E> : never

/** An array of a type without options (`int32()`) or of structs, whose fields are given. */
export function array<const E extends Field | Fields, const O extends FieldOptions<readonly never[]> = object>(
  element: E,
  options?: O,
): FieldOf<readonly ElementDecoded<E>[], readonly ElementInput<E>[], O> {
  const type: FieldType = element instanceof Field ? element.type : { kind: 'struct', fields: element as Fields }
  return new Field({ kind: 'array', element: type }, options ?? {})
}

const EMPTY_BYTES = Buffer.alloc(0)
const EMPTY_ARRAY: readonly never[] = Object.freeze([])

function implicitDefault(type: FieldType): unknown {
  switch (type.kind) {
    case 'bool':
      return false
    case 'uuid':
      return ZERO_UUID
    case 'string':
      return ''
    case 'bytes':
    case 'records':
      return EMPTY_BYTES
    case 'array':
      return EMPTY_ARRAY
    case 'struct':
      return defaultsOf(type.fields)
    case 'bigInt64':
      return 0n
    default:
      return 0
  }
}

const defaultsByFields = new WeakMap<Fields, object>()

/** A struct in which every field has its default. Shared: frozen. */
export function defaultsOf(fields: Fields): object {
  let defaults = defaultsByFields.get(fields)
  if (defaults === undefined) {
    defaults = Object.freeze(
      Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.defaultValue])),
    )
    defaultsByFields.set(fields, defaults)
  }
  return defaults
}
