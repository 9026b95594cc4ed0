import { InvalidArgumentError } from 'commander'
import { WORKLOAD_NAMES, type WorkloadName } from '../explore/explore-options.ts'
import {
  COMMIT_POLICIES,
  CONSUMER_CLIENT_NAMES,
  type CommitPolicy,
  type ConsumerClientName,
  SINK_NAMES,
  type SinkName,
} from '../trial/group-spec.ts'
import {
  CLIENT_NAMES,
  type ClientName,
  FAULT_NAMES,
  type FaultName,
  GUARANTEE_NAMES,
  type GuaranteeName,
  PARTITIONER_NAMES,
  type PartitionerName,
  ROLE_LAYOUTS,
  type RoleLayout,
} from '../trial/scenario.ts'

/** Values of flags. Each reader throws commander's error, which names the flag and the value; the text says what is allowed. */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const MAX_TIME_MS = 7 * 24 * 3_600_000
const MAX_SET_KEYS = 200

export function wholeNumber(low: number, high: number): (text: string) => number {
  return text => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
    if (Number.isSafeInteger(value) && value >= low && value <= high) return value
    throw new InvalidArgumentError(`expected a whole number from ${low} to ${high}`)
  }
}

/** `60s`, `500ms`, `5m`, `1h`, in milliseconds. */
export function duration(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,9})(ms|s|m|h)$/.exec(text) ?? []
  const ms = Number(digits) * (UNIT_MS[unit] ?? Number.NaN)
  if (ms > 0 && ms <= MAX_TIME_MS) return ms
  throw new InvalidArgumentError('expected a time as 60s, 500ms, 5m or 1h, at most seven days')
}

/** A run seed: what people can type and files can be named after. */
export function seed(text: string): string {
  if (/^[\w.]{1,64}$/.test(text)) return text
  throw new InvalidArgumentError('expected up to 64 letters, digits, dots and underscores')
}

export function controllers(text: string): 1 | 3 | 5 {
  return Number(oneOf(text, ['1', '3', '5'] as const)) as 1 | 3 | 5
}

export function roles(text: string): RoleLayout {
  return oneOf(text, ROLE_LAYOUTS)
}

export function client(text: string): ClientName {
  return oneOf(text, CLIENT_NAMES)
}

export function workload(text: string): WorkloadName {
  return oneOf(text, WORKLOAD_NAMES)
}

export function partitioner(text: string): PartitionerName {
  return oneOf(text, PARTITIONER_NAMES)
}

export function consumer(text: string): ConsumerClientName {
  return oneOf(text, CONSUMER_CLIENT_NAMES)
}

export function commit(text: string): CommitPolicy {
  return oneOf(text, COMMIT_POLICIES)
}

export function sink(text: string): SinkName {
  return oneOf(text, SINK_NAMES)
}

export function acks(text: string): -1 | 0 | 1 {
  if (text === 'all' || text === '-1') return -1
  if (text === '0') return 0
  if (text === '1') return 1
  throw new InvalidArgumentError('expected all, -1, 1 or 0')
}

/** `kill,pause`, or `none`. */
export function faults(text: string): FaultName[] {
  return text === 'none' ? [] : listOf(text, FAULT_NAMES)
}

export function guarantees(text: string, before: readonly GuaranteeName[] = []): GuaranteeName[] {
  return [...new Set([...before, ...listOf(text, GUARANTEE_NAMES)])]
}

/** `key=value`, again and again. */
export function setting(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=')
  const key = text.slice(0, Math.max(0, at)).trim()
  if (key === '') throw new InvalidArgumentError('expected key=value')
  if (Object.keys(before).length >= MAX_SET_KEYS) throw new InvalidArgumentError(`at most ${MAX_SET_KEYS} keys`)
  return { ...before, [key]: text.slice(at + 1).trim() }
}

function listOf<T extends string>(text: string, allowed: readonly T[]): T[] {
  const names = text.split(',').map(name => name.trim())
  return [...new Set(names.map(name => oneOf(name, allowed)))]
}

/** @throws InvalidArgumentError that says what is allowed */
export function oneOf<T extends string>(text: string, allowed: readonly T[]): T {
  const found = allowed.find(name => name === text)
  if (found !== undefined) return found
  throw new InvalidArgumentError(`${JSON.stringify(text)} is none of ${allowed.join(', ')}`)
}
