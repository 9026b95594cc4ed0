import { INT_MAX } from '../../src/config/config-def.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import { parseWholeNumber } from '../../src/config/values.ts'

/** A BOOLEAN of Kafka's configurations. @throws ConfigError */
export function booleanOf(key: string, text: string): boolean {
  const value = text.trim().toLowerCase()
  if (value !== 'true' && value !== 'false') throw new ConfigError(key, text, 'expected true or false')
  return value === 'true'
}

/** An INT of Kafka's configurations. @throws ConfigError */
export function wholeOf(key: string, text: string, least: number): number {
  const value = parseWholeNumber(text)
  if (value === undefined || value < least || value > INT_MAX) {
    throw new ConfigError(key, text, `expected a whole number from ${least} to ${INT_MAX}`)
  }
  return value
}
