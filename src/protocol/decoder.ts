import { ProtocolError } from './protocol-error.ts'
import type { Reader } from './reader.ts'
import { defaultsOf, type Field, type Fields, type FieldType, UNKNOWN_TAGS, type UnknownTag } from './schema.ts'
import { compileStructReader, type Decode } from './struct-code.ts'

interface Target {
  [name: string]: unknown
  [UNKNOWN_TAGS]?: readonly UnknownTag[]
}

/** Makes the decoder of a struct for one version; `flexible` versions have compact lengths and tagged fields. */
export function structDecoder(fields: Fields, version: number, flexible: boolean): Decode {
  const names: string[] = []
  const decoders: Decode[] = []
  const tagged = new Map<number, { name: string; decode: Decode }>()
  for (const [name, field] of Object.entries(fields)) {
    if (!field.existsIn(version)) continue
    const decode = fieldDecoder(field, version, flexible)
    if (field.options.tag === undefined) {
      names.push(name)
      decoders.push(decode)
    } else {
      tagged.set(field.options.tag, { name, decode })
    }
  }
  const readFields = compileStructReader(Object.keys(fields), names, decoders, defaultsOf(fields), (error, index) =>
    error instanceof ProtocolError ? error.within(names[index] as string) : error,
  )
  if (!flexible) return readFields
  return reader => {
    const target: Target = readFields(reader)
    const count = reader.uvarint()
    if (count > 0) readTags(reader, count, tagged, target)
    return target
  }
}

type TaggedDecoders = ReadonlyMap<number, { readonly name: string; readonly decode: Decode }>

/** Like Kafka it accepts tags in any order and takes the last of equal ones. */
function readTags(reader: Reader, count: number, tagged: TaggedDecoders, target: Target): void {
  reader.checkCount(count, TAGGED_FIELD_BYTES_MIN)
  const unknown = new Map<number, UnknownTag>()
  for (let index = 0; index < count; index++) {
    const tag = reader.uvarint()
    const size = reader.uvarint()
    const field = tagged.get(tag)
    if (field === undefined) {
      unknown.set(tag, { tag, data: reader.view(size) })
      continue
    }
    try {
      const outerEnd = reader.enter(size)
      target[field.name] = field.decode(reader)
      reader.leave(outerEnd)
    } catch (error) {
      throw error instanceof ProtocolError ? error.within(field.name) : error
    }
  }
  if (unknown.size > 0) target[UNKNOWN_TAGS] = [...unknown.values()]
}

/** Tag and size take a byte each. */
const TAGGED_FIELD_BYTES_MIN = 2

function fieldDecoder(field: Field, version: number, flexible: boolean): Decode {
  return typeDecoder(field.type, version, flexible, field.nullableIn(version))
}

function typeDecoder(type: FieldType, version: number, flexible: boolean, nullable: boolean): Decode {
  switch (type.kind) {
    case 'struct': {
      const decode = structDecoder(type.fields, version, flexible)
      return nullable ? nullableStructDecoder(decode) : decode
    }
    case 'array':
      return arrayDecoder(type.element, version, flexible, nullable)
    case 'string':
      return stringDecoder(flexible, nullable)
    case 'bytes':
    case 'records':
      return bytesDecoder(flexible, nullable)
    case 'bool':
      return reader => reader.bool()
    case 'int8':
      return reader => reader.int8()
    case 'int16':
      return reader => reader.int16()
    case 'int32':
      return reader => reader.int32()
    case 'int64':
      return reader => reader.int64()
    case 'int64Saturated':
      return reader => reader.int64Saturated()
    case 'bigInt64':
      return reader => reader.bigInt64()
    case 'uint16':
      return reader => reader.uint16()
    case 'uint32':
      return reader => reader.uint32()
    case 'float64':
      return reader => reader.float64()
    case 'uuid':
      return reader => reader.uuid()
  }
}

/** A struct that may be null has a byte before it: negative for null. */
function nullableStructDecoder(decode: Decode): Decode {
  return reader => (reader.int8() < 0 ? null : decode(reader))
}

function stringDecoder(flexible: boolean, nullable: boolean): Decode {
  const kind = 'string'
  if (flexible) {
    return reader => {
      const length = reader.compactLength()
      return length < 0 ? orNull(reader, nullable, kind) : reader.utf8(length)
    }
  }
  return reader => {
    const length = reader.stringLength()
    return length < 0 ? orNull(reader, nullable, kind) : reader.utf8(length)
  }
}

function bytesDecoder(flexible: boolean, nullable: boolean): Decode {
  return reader => {
    const length = flexible ? reader.compactLength() : reader.length()
    return length < 0 ? orNull(reader, nullable, 'bytes') : reader.view(length)
  }
}

function arrayDecoder(element: FieldType, version: number, flexible: boolean, nullable: boolean): Decode {
  const decode = typeDecoder(element, version, flexible, false)
  const elementBytesMin = bytesMin(element, version, flexible)
  return reader => {
    const count = flexible ? reader.compactLength() : reader.length()
    if (count < 0) return orNull(reader, nullable, 'array')
    reader.checkCount(count, elementBytesMin)
    const values: unknown[] = []
    try {
      for (let index = 0; index < count; index++) values.push(decode(reader))
    } catch (error) {
      throw error instanceof ProtocolError ? error.within(values.length) : error
    }
    return values
  }
}

function orNull(reader: Reader, nullable: boolean, kind: string): null {
  if (!nullable) throw new ProtocolError(`${kind} is null, which this version does not allow`, reader.position)
  return null
}

/** The fewest bytes that a value takes, ≥ 1: it bounds the count of an array by the bytes that are left. */
function bytesMin(type: FieldType, version: number, flexible: boolean): number {
  switch (type.kind) {
    case 'bool':
    case 'int8':
      return 1
    case 'int16':
    case 'uint16':
      return 2
    case 'int32':
    case 'uint32':
      return 4
    case 'int64':
    case 'int64Saturated':
    case 'bigInt64':
    case 'float64':
      return 8
    case 'uuid':
      return 16
    case 'string':
      return flexible ? 1 : 2
    case 'bytes':
    case 'records':
    case 'array':
      return flexible ? 1 : 4
    case 'struct': {
      let sum = flexible ? 1 : 0
      for (const field of Object.values(type.fields)) {
        if (!field.existsIn(version) || field.options.tag !== undefined) continue
        sum += field.type.kind === 'struct' && field.nullableIn(version) ? 1 : bytesMin(field.type, version, flexible)
      }
      return Math.max(sum, 1)
    }
  }
}
