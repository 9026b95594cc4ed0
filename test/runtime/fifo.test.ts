import { expect, test } from 'vitest'
import { Fifo } from '../../src/runtime/fifo.ts'

test('items come out in the order in which they went in, however they are mixed', () => {
  const fifo = new Fifo<number>()
  const taken: (number | undefined)[] = []
  let next = 0
  for (let round = 1; round <= 200; round++) {
    for (let index = 0; index < round % 7; index++) fifo.push(next++)
    for (let index = 0; index < round % 5; index++) {
      if (fifo.size > 0) taken.push(fifo.shift())
    }
    expect(fifo.size).toBe(next - taken.length)
  }
  while (fifo.size > 0) taken.push(fifo.shift())

  expect(taken).toEqual(Array.from({ length: next }, (_, index) => index))
  expect(fifo.shift()).toBeUndefined()
})

test('one that was emptied takes items again', () => {
  const fifo = new Fifo<string>()
  fifo.push('a')
  fifo.shift()

  expect(fifo.shift()).toBeUndefined()
  fifo.push('b')

  expect(fifo.size).toBe(1)
  expect(fifo.shift()).toBe('b')
})
