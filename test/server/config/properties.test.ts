import { describe, expect, test } from 'vitest'
import { PropertiesSyntaxError, parseProperties } from '../../../src/server/config/properties.ts'

function values(text: string): Record<string, string> {
  return Object.fromEntries([...parseProperties(text).values()].map(({ key, value }) => [key, value]))
}

describe('parseProperties', () => {
  test.each<[string, string, Record<string, string>]>([
    ['an equals sign', 'a=b', { a: 'b' }],
    ['a colon', 'a:b', { a: 'b' }],
    ['white space', 'a b c', { a: 'b c' }],
    ['white space around the sign', '  a \t=  b  ', { a: 'b  ' }],
    ['a sign in the value', 'a=b=c:d', { a: 'b=c:d' }],
    ['a key alone', 'a', { a: '' }],
    ['an empty value', 'a=', { a: '' }],
    ['comments and blank lines', '# x=1\n\n  ! y=2\na=b', { a: 'b' }],
    ['a hash in the value', 'a=b # c', { a: 'b # c' }],
    ['a continued line', 'a=b,\\\n    c,\\\r\n  d', { a: 'b,c,d' }],
    ['an escaped backslash at the end', 'a=b\\\\\nc=d', { a: 'b\\', c: 'd' }],
    ['a backslash on the last line', 'a=b\\', { a: 'b' }],
    ['escaped separators in the key', 'a\\=b\\ c\\:d=e', { 'a=b c:d': 'e' }],
    ['escapes', 'a=\\t\\n\\u0041\\x\\\\', { a: '\t\nAx\\' }],
    ['a comment sign after a continuation', 'a=b\\\n#c', { a: 'b#c' }],
    ['a repeated key', 'a=1\nb=2\na=3', { a: '3', b: '2' }],
    ['carriage returns alone', 'a=1\rb=2', { a: '1', b: '2' }],
    ['nothing', '', {}],
  ])('understands %s', (_what, text, expected) => {
    expect(values(text)).toEqual(expected)
  })

  test('tells the line on which a key begins', () => {
    const properties = parseProperties('# one\na=1\\\n  2\n\nb=3\na=4')

    expect([...properties.values()].map(({ key, line }) => [key, line])).toEqual([
      ['b', 5],
      ['a', 6],
    ])
  })

  test('names the line of a broken escape', () => {
    const parse = () => parseProperties('a=1\nb=\\u12g4')

    expect(parse).toThrow(PropertiesSyntaxError)
    expect(parse).toThrow('line 2: malformed \\u escape, four hexadecimal digits must follow')
  })
})
