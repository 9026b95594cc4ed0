/** Long.MAX_VALUE; as a JavaScript number it is 2^63, which no time or size ever reaches. */
export const LONG_MAX = '9223372036854775807'

/** The number in a text such as `-1` or `42`; undefined when it is no whole number of 64 bits. */
export function parseWholeNumber(text: string): number | undefined {
  const trimmed = text.trim()
  if (!/^[+-]?\d{1,19}$/.test(trimmed)) return undefined
  const number = Number(trimmed)
  return Math.abs(number) <= Number(LONG_MAX) ? number : undefined
}

/** The items of a list such as `compact, delete`; none for the empty text. */
export function splitList(text: string): string[] {
  const trimmed = text.trim()
  return trimmed === '' ? [] : trimmed.split(',').map(item => item.trim())
}
