import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { API_BY_KEY } from '../../../src/protocol/apis/index.ts'
import { renderGrammar } from '../support/grammar.ts'

describe('the grammar above a message', () => {
  const cases = [...API_BY_KEY.values()].flatMap(api =>
    (['Request', 'Response'] as const).map(side => ({ api, side, title: `${api.name}${side}` })),
  )

  it.each(cases)('says what $title declares', ({ api, side, title }) => {
    const fileName = api.name.replace(/(?!^)[A-Z]/g, letter => `-${letter}`).toLowerCase()
    const source = readFileSync(new URL(`../../../src/protocol/apis/${fileName}.ts`, import.meta.url), 'utf8')

    const comment = renderGrammar(api, side).map(line => ` * ${line}\n`)

    expect(source).toContain(`/**\n${comment.join('')} */\nexport const ${title} = message({`)
  })
})
