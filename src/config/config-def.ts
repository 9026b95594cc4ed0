import { ConfigError } from './config-error.ts'
import { parseWholeNumber, splitList } from './values.ts'

/** Kafka's types of configuration values. PASSWORD values are never shown. */
export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'LONG' | 'DOUBLE' | 'LIST' | 'PASSWORD'

/** A configuration key (Kafka's ConfigDef.ConfigKey). */
export interface ConfigDef {
  readonly key: string
  readonly type: ConfigType
  /** As Kafka prints it; null: none. */
  readonly defaultValue: string | null
  readonly documentation: string
  /** Throws `ConfigError` for a value that is not allowed. */
  validate(value: string): void
}

export interface DefOptions {
  /** The least number allowed. */
  readonly min?: number
  /** The greatest number allowed. */
  readonly max?: number
  /** The only values (of a list: items) allowed. */
  readonly oneOf?: readonly string[]
  /** Whether these may be written in upper or lower case (Kafka's CaseInsensitiveValidString). */
  readonly ignoreCase?: boolean
}

/** 2^31 - 1: Kafka's "no limit" for keys of type INT. */
export const INT_MAX = 2_147_483_647

const INT_MIN = -2_147_483_648

/** Defines a key; `documentation` is one sentence. */
export function define(
  key: string,
  type: ConfigType,
  defaultValue: string | number | boolean | null,
  documentation: string,
  options: DefOptions = {},
): ConfigDef {
  return {
    key,
    type,
    defaultValue: defaultValue === null ? null : String(defaultValue),
    documentation,
    validate: value => validate(key, type, value, options),
  }
}

function validate(key: string, type: ConfigType, value: string, options: DefOptions): void {
  if (type === 'BOOLEAN') {
    if (!/^(true|false)$/i.test(value.trim())) throw new ConfigError(key, value, 'expected true or false')
  } else if (type === 'INT' || type === 'LONG') {
    validateWholeNumber(key, type, value, options)
  } else if (type === 'DOUBLE') {
    validateDouble(key, value, options)
  } else if (options.oneOf !== undefined) {
    validateItems(key, type === 'LIST' ? splitList(value) : [value], value, options.oneOf, options.ignoreCase)
  }
}

function validateWholeNumber(key: string, type: 'INT' | 'LONG', value: string, { min, max }: DefOptions): void {
  const number = parseWholeNumber(value)
  const least = min ?? (type === 'INT' ? INT_MIN : Number.NEGATIVE_INFINITY)
  const most = max ?? (type === 'INT' ? INT_MAX : Number.POSITIVE_INFINITY)
  if (number !== undefined && number >= least && number <= most) return
  throw new ConfigError(key, value, `expected a whole number${range(least, most)}`)
}

function validateDouble(key: string, value: string, options: DefOptions): void {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = options
  const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value.trim()) ? Number(value) : Number.NaN
  if (number >= min && number <= max) return
  throw new ConfigError(key, value, `expected a number${range(min, max)}`)
}

function validateItems(
  key: string,
  items: readonly string[],
  value: string,
  allowed: readonly string[],
  ignoreCase = false,
): void {
  if (items.every(item => allowed.includes(ignoreCase ? item.toLowerCase() : item))) return
  throw new ConfigError(key, value, `expected ${items.length > 1 ? 'only ' : ''}one of ${allowed.join(', ')}`)
}

function range(least: number, most: number): string {
  const from = Number.isFinite(least) ? ` from ${least}` : ''
  return Number.isFinite(most) ? `${from} to ${most}` : from === '' ? '' : `${from} up`
}
