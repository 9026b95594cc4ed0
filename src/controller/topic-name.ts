import { ApiError, ErrorCode } from '../protocol/errors.ts'

const MAX_NAME_LENGTH = 249
const LEGAL_NAME = /^[a-zA-Z0-9._-]+$/

/** Throws INVALID_TOPIC_EXCEPTION with Kafka's reasons. */
export function validateTopicName(name: string): void {
  const problem = problemOf(name)
  if (problem !== undefined) {
    throw new ApiError(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic name is invalid: ${problem}`)
  }
}

/** `.` and `_` are one and the same in names of metrics: topics that differ in nothing else collide. */
export function collisionKey(name: string): string {
  return name.replaceAll('.', '_')
}

export function hasCollisionChars(name: string): boolean {
  return name.includes('.') || name.includes('_')
}

function problemOf(name: string): string | undefined {
  if (name === '') return 'the empty string is not allowed'
  if (name === '.' || name === '..') return `'${name}' is not allowed`
  if (name.length > MAX_NAME_LENGTH) {
    return `the length of '${name}' is longer than the max allowed length ${MAX_NAME_LENGTH}`
  }
  if (!LEGAL_NAME.test(name)) {
    return `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
  }
  return undefined
}
