import { RE2JS, RE2JSSyntaxException } from 're2js'
import { ApiError, ErrorCode } from '../../../../protocol/errors.ts'
import { sortedNames } from './consumer-group-member.ts'

/*
 * Regular expressions that members subscribe with (KIP-848) are RE2's, as in Kafka, which uses RE2/J: the time that a match
 * takes is linear in the topic's name whatever the expression, so that no client can hold up a coordinator. That is why they
 * are not given to JavaScript's `RegExp`.
 */

/** @throws ApiError INVALID_REGULAR_EXPRESSION */
export function throwIfRegularExpressionIsInvalid(regex: string): void {
  try {
    RE2JS.compile(regex)
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error
    throw new ApiError(
      ErrorCode.INVALID_REGULAR_EXPRESSION,
      `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${error.getDescription()}.`,
    )
  }
}

/** The topics whose whole name each of the expressions matches, sorted. One that is not valid matches none. */
export function resolveRegularExpressions(
  regexes: Iterable<string>,
  topicNames: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  return new Map([...regexes].map(regex => [regex, topicsMatching(regex, topicNames)]))
}

function topicsMatching(regex: string, topicNames: readonly string[]): readonly string[] {
  try {
    const pattern = RE2JS.compile(regex)
    return sortedNames(topicNames.filter(name => pattern.testExact(name)))
  } catch (error) {
    // They were looked at when members brought them; a log that says otherwise is not to stop the others.
    if (error instanceof RE2JSSyntaxException) return []
    throw error
  }
}
