import { expect, test } from 'vitest'
import {
  resolveRegularExpressions,
  throwIfRegularExpressionIsInvalid,
} from '../../../../../src/coordinator/group/modern/consumer/topic-regex.ts'
import { ApiError } from '../../../../../src/protocol/errors.ts'

test('an expression stands for the topics whose whole name it matches, sorted', () => {
  const topics = ['orders.eu', 'orders', 'old-orders', 'orders.us', 'payments']

  expect(resolveRegularExpressions(['orders(\\..*)?', 'pay', '(?i)PAYMENTS'], topics)).toEqual(
    new Map([
      ['orders(\\..*)?', ['orders', 'orders.eu', 'orders.us']],
      ['pay', []],
      ['(?i)PAYMENTS', ['payments']],
    ]),
  )
})

test.each([
  ['is not closed', '(orders', 'missing closing )'],
  ['looks ahead', 'orders(?=x)', 'invalid or unsupported Perl syntax'],
  ['looks behind', '(?<=x)orders', 'invalid'],
  ['refers back', '(a)\\1', 'invalid escape sequence'],
  ['repeats too often', 'a{1001}', 'invalid repeat count'],
])('an expression that %s is refused with what is wrong', (_, regex, reason) => {
  const refuse = () => throwIfRegularExpressionIsInvalid(regex)

  expect(refuse).toThrow(ApiError)
  expect(refuse).toThrow('is not a valid regular expression: ')
  expect(refuse).toThrow(reason)
  expect(refuse).toThrow(expect.objectContaining({ errorName: 'INVALID_REGULAR_EXPRESSION' }))
})

test('no expression takes longer than the topic’s name is: one that tries everything would not come back', () => {
  const regexes = ['(a+)+', '(a|a)*c', '(.*)*(.*)*c']

  expect([...resolveRegularExpressions(regexes, [`${'a'.repeat(248)}b`]).values()]).toEqual([[], [], []])
})

test('an invalid expression that a log has matches nothing', () => {
  expect(resolveRegularExpressions(['('], ['orders'])).toEqual(new Map([['(', []]]))
})
