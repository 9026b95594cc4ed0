/** A key and its value, with the line (from 1) on which the key stands. */
export interface Property {
  readonly key: string
  readonly value: string
  readonly line: number
}

/** A line that is not Java's properties format. */
export class PropertiesSyntaxError extends Error {
  override readonly name = 'PropertiesSyntaxError'
  readonly line: number

  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`)
    this.line = line
  }
}

/** Larger texts are refused: no configuration is that large. */
const MAX_CHARACTERS = 16 * 1024 * 1024

const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['t', '\t'],
  ['n', '\n'],
  ['r', '\r'],
  ['f', '\f'],
])

/**
 * Reads Java's `.properties` format: `#` and `!` begin comments, a backslash at a line's end continues it, key and value
 * are separated by `=`, `:` or white space, `\uXXXX`, `\t`, `\n`, `\r`, `\f` are escapes and any other escaped character
 * stands for itself. A key that comes again replaces the one before, and takes its later line.
 *
 * Throws PropertiesSyntaxError for a broken `\u` escape or a text of more than 16 Mi characters.
 */
export function parseProperties(text: string): Map<string, Property> {
  if (text.length > MAX_CHARACTERS) {
    throw new PropertiesSyntaxError(1, `${text.length} characters, at most ${MAX_CHARACTERS} are read`)
  }
  const properties = new Map<string, Property>()
  for (const { content, line } of logicalLines(text)) {
    const { rawKey, rawValue } = split(content)
    const key = decodeEscapes(rawKey, line)
    properties.delete(key)
    properties.set(key, { key, value: decodeEscapes(rawValue, line), line })
  }
  return properties
}

/** Lines without comments and blank ones, continued lines joined. `line` is where they begin. */
function* logicalLines(text: string): Generator<{ content: string; line: number }> {
  const natural = text.split(/\r\n|\r|\n/)
  for (let index = 0; index < natural.length; index++) {
    const line = index + 1
    let content = trimStart(natural[index] ?? '')
    if (content === '' || content.startsWith('#') || content.startsWith('!')) continue
    const parts: string[] = []
    while (endsInOddBackslashes(content) && index + 1 < natural.length) {
      parts.push(content.slice(0, -1))
      index++
      content = trimStart(natural[index] ?? '')
    }
    parts.push(endsInOddBackslashes(content) ? content.slice(0, -1) : content)
    yield { content: parts.join(''), line }
  }
}

function endsInOddBackslashes(text: string): boolean {
  let count = 0
  while (text[text.length - 1 - count] === '\\') count++
  return count % 2 === 1
}

function trimStart(text: string): string {
  return text.replace(/^[ \t\f]+/, '')
}

/** The key ends at the first unescaped separator; white space around a `=` or `:` belongs to neither side. */
function split(content: string): { rawKey: string; rawValue: string } {
  let end = 0
  while (end < content.length && !'=: \t\f'.includes(content.charAt(end))) end += content[end] === '\\' ? 2 : 1
  const rawKey = content.slice(0, end)
  const rest = trimStart(content.slice(end))
  return { rawKey, rawValue: /^[=:]/.test(rest) ? trimStart(rest.slice(1)) : rest }
}

function decodeEscapes(text: string, line: number): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\(u[0-9a-fA-F]{4}|u|[^u])/g, (_match, escaped: string) => {
    if (escaped === 'u')
      throw new PropertiesSyntaxError(line, 'malformed \\u escape, four hexadecimal digits must follow')
    if (escaped.length > 1) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    return SIMPLE_ESCAPES.get(escaped) ?? escaped
  })
}
