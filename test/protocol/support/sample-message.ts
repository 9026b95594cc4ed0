import type { Fields, FieldType } from '../../../src/protocol/schema.ts'

/**
 * A message with a value of its own in every field that the version has, two elements in every array, no errors and no
 * records. Made from the schema: a value read into a neighbouring field does not go unnoticed.
 */
export function sampleMessage(fields: Fields, version: number): Record<string, unknown> {
  let counter = 0
  const next = () => ++counter

  function struct(inner: Fields): Record<string, unknown> {
    const present = Object.entries(inner).filter(([, field]) => field.existsIn(version))
    return Object.fromEntries(present.map(([name, field]) => [name, fieldValue(name, field.type)]))
  }

  function fieldValue(name: string, type: FieldType): unknown {
    if (/ErrorCode$|^errorCode$|^throttleTimeMs$/.test(name)) return 0
    if (/ErrorMessage$|^errorMessage$/.test(name)) return null
    return value(type)
  }

  function value(type: FieldType): unknown {
    switch (type.kind) {
      case 'struct':
        return struct(type.fields)
      case 'array':
        return [value(type.element), value(type.element)]
      case 'bool':
        return next() % 2 === 0
      case 'string':
        return `text-${next()}`
      case 'uuid':
        return Buffer.alloc(16, next()).toString('base64url')
      case 'bytes':
      case 'records':
        return Buffer.alloc(0)
      case 'int64':
      case 'int64Saturated':
        return 2 ** 40 + next()
      case 'bigInt64':
        return 0x1000_0000_0000_0000n + BigInt(next())
      default:
        return next() % 128
    }
  }

  return struct(fields)
}
