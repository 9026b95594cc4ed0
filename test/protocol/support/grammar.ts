import type { Api, VersionRange } from '../../../src/protocol/api.ts'
import type { Field, Fields, FieldType } from '../../../src/protocol/schema.ts'

const LINE_CHARACTERS = 112

/** The grammar of one of an API's messages as Kafka's protocol guide writes it, one line an entry, for all versions at once. */
export function renderGrammar(api: Api, side: 'Request' | 'Response'): string[] {
  const [first, last] = api.versions
  const flexible = api.flexibleSince === null ? '' : `, flexible from ${api.flexibleSince}`
  const name = `${api.name} ${side} (Version: ${first}-${last}${flexible})`
  const { fields } = side === 'Request' ? api.request : api.response
  return renderStruct(name, fields, api.versions, '')
}

function renderStruct(name: string, fields: Fields, versions: VersionRange, indent: string): string[] {
  const entries = Object.entries(fields)
  const words = entries.map(([field, { type }]) => (type.kind === 'array' ? `[${snakeCase(field)}]` : snakeCase(field)))
  const lines = wrap(`${indent}${name} =>`, words, `${indent}    `)
  for (const [field, declared] of entries) {
    const title = `${snakeCase(field)}${presence(declared, versions)}`
    const inner = structFields(declared.type)
    if (inner === undefined) lines.push(`${indent}  ${title} => ${typeName(declared)}`)
    else lines.push(...renderStruct(`${title}${nullability(declared)}`, inner, versions, `${indent}  `))
  }
  return lines
}

function wrap(start: string, words: readonly string[], indent: string): string[] {
  const lines: string[] = []
  let line = start
  for (const word of words) {
    if (line.length + 1 + word.length > LINE_CHARACTERS) {
      lines.push(line)
      line = `${indent}${word}`
    } else {
      line += ` ${word}`
    }
  }
  return [...lines, line]
}

function presence({ options }: Field, [first, last]: VersionRange): string {
  const notes: string[] = []
  if (options.tag !== undefined) notes.push(`tag ${options.tag}`)
  if (options.until !== undefined && options.until < last) notes.push(`${options.since ?? first}-${options.until}`)
  else if (options.since !== undefined && options.since > first) notes.push(`${options.since}+`)
  return notes.length === 0 ? '' : ` (${notes.join(', ')})`
}

function nullability({ options }: Field): string {
  if (options.nullable === true) return ' (nullable)'
  return options.nullableSince === undefined ? '' : ` (nullable ${options.nullableSince}+)`
}

function typeName(field: Field): string {
  const { type, options } = field
  const plain = type.kind === 'array' ? elementName(type.element) : kindName(type)
  if (options.nullable === true) return `NULLABLE_${plain}`
  return options.nullableSince === undefined ? plain : `${plain} | NULLABLE_${plain} (${options.nullableSince}+)`
}

function elementName(element: FieldType): string {
  return `ARRAY(${kindName(element)})`
}

function kindName(type: FieldType): string {
  if (type.kind === 'bool') return 'BOOLEAN'
  return type.kind === 'int64Saturated' || type.kind === 'bigInt64' ? 'INT64' : type.kind.toUpperCase()
}

function structFields(type: FieldType): Fields | undefined {
  if (type.kind === 'array') return structFields(type.element)
  return type.kind === 'struct' ? type.fields : undefined
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
