import { ConfigError } from '../../config/config-error.ts'
import { ListOffsetsTimestamp } from '../../protocol/apis/list-offsets.ts'

/** Where a consumer begins that has no position, or one that is not in the log (KIP-1106). */
export type AutoOffsetResetStrategy =
  | { readonly type: 'earliest' }
  | { readonly type: 'latest' }
  | { readonly type: 'none' }
  /** At the first record that is not older than this. */
  | { readonly type: 'by_duration'; readonly durationMs: number }

export const EARLIEST: AutoOffsetResetStrategy = { type: 'earliest' }
export const LATEST: AutoOffsetResetStrategy = { type: 'latest' }
export const NONE: AutoOffsetResetStrategy = { type: 'none' }

const BY_DURATION = 'by_duration:'

/** ISO 8601 as Java's Duration.parse reads it: days to seconds, each with a sign of its own. */
const DURATION =
  /^([-+]?)P(?:([-+]?\d{1,15})D)?(?:T(?=[-+\d])(?:([-+]?\d{1,15})H)?(?:([-+]?\d{1,15})M)?(?:([-+]?\d{1,15})(?:[.,](\d{0,9}))?S)?)?$/i

/** @throws ConfigError for what is no value of `auto.offset.reset` */
export function parseAutoOffsetReset(value: string): AutoOffsetResetStrategy {
  if (value === 'earliest') return EARLIEST
  if (value === 'latest') return LATEST
  if (value === 'none') return NONE
  const durationMs = value.startsWith(BY_DURATION) ? parseDurationMs(value.slice(BY_DURATION.length)) : undefined
  if (durationMs !== undefined && durationMs >= 0) return { type: 'by_duration', durationMs }
  throw new ConfigError(
    'auto.offset.reset',
    value,
    "expected 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS>' with a duration that is not negative",
  )
}

/** What to ask ListOffsets for; undefined for `none`. @param nowMs wall time */
export function resetTimestamp(strategy: AutoOffsetResetStrategy, nowMs: number): number | undefined {
  switch (strategy.type) {
    case 'earliest':
      return ListOffsetsTimestamp.EARLIEST
    case 'latest':
      return ListOffsetsTimestamp.LATEST
    case 'by_duration':
      return nowMs - strategy.durationMs
    case 'none':
      return undefined
  }
}

export function isSameStrategy(one: AutoOffsetResetStrategy, other: AutoOffsetResetStrategy): boolean {
  if (one.type !== 'by_duration' || other.type !== 'by_duration') return one.type === other.type
  return one.durationMs === other.durationMs
}

/** Whole milliseconds; undefined for what is no duration. */
function parseDurationMs(text: string): number | undefined {
  const match = DURATION.exec(text)
  if (match === null) return undefined
  const [, sign, days, hours, minutes, seconds, fraction = ''] = match
  if ([days, hours, minutes, seconds].every(part => part === undefined)) return undefined
  const fractionMs = Number(fraction.padEnd(9, '0')) / 1_000_000
  const number = (part: string | undefined) => Number(part ?? 0)
  const secondsMs = number(seconds) * 1000 + (seconds?.startsWith('-') === true ? -fractionMs : fractionMs)
  const totalMs = Math.floor(((number(days) * 24 + number(hours)) * 60 + number(minutes)) * 60_000 + secondsMs)
  return sign === '-' ? -totalMs : totalMs
}
