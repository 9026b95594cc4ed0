import { EncodeError } from './protocol-error.ts'
import { defaultsOf, type Field, type Fields, type FieldType, UNKNOWN_TAGS, type UnknownTag } from './schema.ts'
import { compileStructWriter, type Encode } from './struct-code.ts'
import type { Writer } from './writer.ts'

interface Source {
  readonly [name: string]: unknown
  readonly [UNKNOWN_TAGS]?: readonly UnknownTag[]
}

interface TaggedEncoder {
  readonly name: string
  readonly tag: number
  readonly encode: Encode
  readonly isDefault: (value: unknown) => boolean
}

interface AbsentField {
  readonly name: string
  readonly isDefault: (value: unknown) => boolean
}

/** Makes the encoder of a struct for one version; `flexible` versions have compact lengths and tagged fields. */
export function structEncoder(fields: Fields, version: number, flexible: boolean): Encode {
  const names: string[] = []
  const encoders: Encode[] = []
  const tagged: TaggedEncoder[] = []
  const mustBeDefault: AbsentField[] = []
  for (const [name, field] of Object.entries(fields)) {
    if (!field.existsIn(version)) {
      if (field.options.ignorable !== true) mustBeDefault.push({ name, isDefault: defaultTest(field) })
    } else if (field.options.tag !== undefined) {
      const encode = fieldEncoder(field, version, flexible)
      tagged.push({ name, tag: field.options.tag, encode, isDefault: defaultTest(field) })
    } else {
      names.push(name)
      encoders.push(fieldEncoder(field, version, flexible))
    }
  }
  tagged.sort((a, b) => a.tag - b.tag)
  const writeFields = compileStructWriter(names, encoders, defaultsOf(fields), (error, index) =>
    error instanceof EncodeError ? error.within(names[index] as string) : error,
  )
  return (writer, value) => {
    if (typeof value !== 'object' || value === null) throw new EncodeError(`${String(value)} is no struct`)
    const source = value as Source
    for (const absent of mustBeDefault) {
      if (!absent.isDefault(source[absent.name])) throw absentError(absent.name, version)
    }
    writeFields(writer, source)
    if (flexible) writeTags(writer, tagged, source)
  }
}

function absentError(name: string, version: number): EncodeError {
  return new EncodeError(`version ${version} has no such field, so it must be left at its default`).within(name)
}

function writeTags(writer: Writer, tagged: readonly TaggedEncoder[], source: Source): void {
  const unknown = source[UNKNOWN_TAGS]
  if (unknown !== undefined) {
    writeAllTags(writer, tagged, source, unknown)
    return
  }
  let count = 0
  for (const field of tagged) if (!field.isDefault(source[field.name])) count++
  writer.uvarint(count)
  if (count === 0) return
  for (const field of tagged) if (!field.isDefault(source[field.name])) writeTagged(writer, field, source)
}

/** The rare case: known and unknown fields in one ascending row of tags. */
function writeAllTags(
  writer: Writer,
  tagged: readonly TaggedEncoder[],
  source: Source,
  unknown: readonly UnknownTag[],
): void {
  const sections = [...tagged.filter(field => !field.isDefault(source[field.name])), ...unknown]
  sections.sort((a, b) => a.tag - b.tag)
  writer.uvarint(sections.length)
  for (const section of sections) {
    if ('encode' in section) {
      writeTagged(writer, section, source)
    } else {
      writer.uvarint(section.tag)
      writer.uvarint(section.data.length)
      writer.raw(section.data)
    }
  }
}

function writeTagged(writer: Writer, field: TaggedEncoder, source: Source): void {
  writer.uvarint(field.tag)
  const start = writer.length
  try {
    field.encode(writer, source[field.name])
  } catch (error) {
    throw error instanceof EncodeError ? error.within(field.name) : error
  }
  writer.insertSize(start)
}

function fieldEncoder(field: Field, version: number, flexible: boolean): Encode {
  return typeEncoder(field.type, version, flexible, field.nullableIn(version))
}

function typeEncoder(type: FieldType, version: number, flexible: boolean, nullable: boolean): Encode {
  switch (type.kind) {
    case 'struct': {
      const encode = structEncoder(type.fields, version, flexible)
      return nullable ? nullableStructEncoder(encode) : encode
    }
    case 'array':
      return arrayEncoder(type.element, version, flexible, nullable)
    case 'string':
      return stringEncoder(flexible, nullable)
    case 'bytes':
    case 'records':
      return bytesEncoder(flexible, nullable)
    case 'bool':
      return (writer, value) => writer.bool(value as boolean)
    case 'int8':
      return (writer, value) => writer.int8(value as number)
    case 'int16':
      return (writer, value) => writer.int16(value as number)
    case 'int32':
      return (writer, value) => writer.int32(value as number)
    case 'int64':
      return (writer, value) => writer.int64(value as number)
    case 'int64Saturated':
      return (writer, value) => writer.int64Saturated(value as number)
    case 'bigInt64':
      return (writer, value) => writer.bigInt64(value as bigint)
    case 'uint16':
      return (writer, value) => writer.uint16(value as number)
    case 'uint32':
      return (writer, value) => writer.uint32(value as number)
    case 'float64':
      return (writer, value) => writer.float64(value as number)
    case 'uuid':
      return (writer, value) => writer.uuid(value as string)
  }
}

function nullableStructEncoder(encode: Encode): Encode {
  return (writer, value) => {
    if (value === null) {
      writer.int8(-1)
      return
    }
    writer.int8(1)
    encode(writer, value)
  }
}

function stringEncoder(flexible: boolean, nullable: boolean): Encode {
  return (writer, value) => {
    if (typeof value !== 'string' && (value !== null || !nullable)) throw wrongType(value, 'string')
    if (flexible) writer.compactString(value)
    else writer.string(value)
  }
}

function bytesEncoder(flexible: boolean, nullable: boolean): Encode {
  return (writer, value) => {
    if (!(value instanceof Uint8Array) && (value !== null || !nullable)) throw wrongType(value, 'bytes')
    if (flexible) writer.compactBytes(value)
    else writer.bytes(value)
  }
}

function arrayEncoder(element: FieldType, version: number, flexible: boolean, nullable: boolean): Encode {
  const encode = typeEncoder(element, version, flexible, false)
  return (writer, value) => {
    if (!Array.isArray(value)) {
      if (value !== null || !nullable) throw wrongType(value, 'array')
      if (flexible) writer.uvarint(0)
      else writer.int32(-1)
      return
    }
    if (flexible) writer.uvarint(value.length + 1)
    else writer.int32(value.length)
    let index = 0
    try {
      for (; index < value.length; index++) encode(writer, value[index])
    } catch (error) {
      throw error instanceof EncodeError ? error.within(index) : error
    }
  }
}

function wrongType(value: unknown, expected: string): EncodeError {
  if (value === null) return new EncodeError(`${expected} is null, which this version does not allow`)
  return new EncodeError(`${typeof value} is no ${expected}`)
}

/** Makes the test whether a value is what a reader would assume if the field were not there. */
function defaultTest(field: Field): (value: unknown) => boolean {
  const { type, defaultValue } = field
  if (defaultValue === null || type.kind === 'string') return value => value === undefined || value === defaultValue
  switch (type.kind) {
    case 'array':
      return value => value === undefined || (Array.isArray(value) && value.length === 0)
    case 'bytes':
    case 'records':
      return value => value === undefined || (value instanceof Uint8Array && value.length === 0)
    case 'struct': {
      const tests = Object.entries(type.fields).map(([name, inner]) => ({ name, isDefault: defaultTest(inner) }))
      return value =>
        value === undefined ||
        (typeof value === 'object' &&
          value !== null &&
          (value as Source)[UNKNOWN_TAGS] === undefined &&
          tests.every(test => test.isDefault((value as Source)[test.name])))
    }
    default:
      return value => value === undefined || value === defaultValue
  }
}
