import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/*
 * The loops over a struct's fields, unrolled into code of their own for each struct and version. Messages are read and
 * written millions of times in a campaign: a loop over field names with computed property access is two to three times
 * slower, because the engine cannot predict any of its accesses, and it leaves decoded objects without a fixed shape.
 *
 * Nothing but the field names of our own schemas goes into the generated text, and those are checked.
 */

/** Reads the value of one field. */
export type Decode = (reader: Reader) => unknown

/** Writes the value of one field. */
export type Encode = (writer: Writer, value: unknown) => void

/** Turns an error of the field with this index into the one to throw. */
export type Locate = (error: unknown, index: number) => unknown

const FIELD_NAME = /^[a-z][A-Za-z0-9]*$/

/**
 * Makes `reader => ({ a: decoders[0](reader), b: defaults.b, … })`.
 * @param all the names of all fields, in the order of the result's properties
 * @param present the names of those to read, in wire order, each with its decoder at the same index
 */
export function compileStructReader(
  all: readonly string[],
  present: readonly string[],
  decoders: readonly Decode[],
  defaults: object,
  locate: Locate,
): (reader: Reader) => Record<string, unknown> {
  requireFieldNames(all)
  const indexes = present.map((_, index) => index)
  const properties = all.map(name => {
    const index = present.indexOf(name)
    return `${name}: ${index < 0 ? `defaults.${name}` : `v${index}`}`
  })
  return generate(
    { decoders, defaults, locate },
    `${indexes.map(index => `const d${index} = decoders[${index}]`).join('\n')}
    return reader => {
      let index = 0
      try {
        ${indexes.map(index => `const v${index} = d${index}(reader); index = ${index + 1}`).join('\n')}
        return { ${properties.join(', ')} }
      } catch (error) {
        throw locate(error, index)
      }
    }`,
  )
}

/**
 * Makes `(writer, source) => { encoders[0](writer, source.a); … }`, where a default stands in for undefined.
 * @param present the names of the fields to write, in wire order, each with its encoder at the same index
 */
export function compileStructWriter(
  present: readonly string[],
  encoders: readonly Encode[],
  defaults: object,
  locate: Locate,
): (writer: Writer, source: object) => void {
  requireFieldNames(present)
  const writes = present.map(
    (name, index) =>
      `value = source.${name}; e${index}(writer, value === undefined ? defaults.${name} : value); index = ${index + 1}`,
  )
  return generate(
    { encoders, defaults, locate },
    `${present.map((_, index) => `const e${index} = encoders[${index}]`).join('\n')}
    return (writer, source) => {
      let index = 0
      let value
      try {
        ${writes.join('\n')}
      } catch (error) {
        throw locate(error, index)
      }
    }`,
  )
}

function requireFieldNames(names: readonly string[]): void {
  for (const name of names) {
    if (!FIELD_NAME.test(name)) throw new TypeError(`"${name}" is no field name, which has letters and digits only`)
  }
}

function generate<T>(scope: Readonly<Record<string, unknown>>, body: string): T {
  return new Function(...Object.keys(scope), body)(...Object.values(scope)) as T
}
