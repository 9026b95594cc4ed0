import { styleText } from 'node:util'

/** How text stands out; plain where colours are not wanted. */
export interface Style {
  bold(text: string): string
  dim(text: string): string
  good(text: string): string
  bad(text: string): string
  fault(text: string): string
}

type Format = Parameters<typeof styleText>[0]

/** @param coloured false gives every text back as it is */
export function createStyle(coloured: boolean): Style {
  const as = (format: Format) => (text: string) =>
    coloured ? styleText(format, text, { validateStream: false }) : text
  return { bold: as('bold'), dim: as('dim'), good: as('green'), bad: as(['bold', 'red']), fault: as('yellow') }
}

export interface Terminal {
  readonly isTTY?: boolean
}

/** Colours are for terminals whose user did not say no (https://no-color.org). */
export function wantsColour(stream: Terminal, env: Readonly<Record<string, string | undefined>>): boolean {
  return stream.isTTY === true && (env['NO_COLOR'] ?? '') === ''
}

/** A terminal that can redraw a line; a CI's log cannot, even if it says it is one. */
export function isInteractive(stream: Terminal, env: Readonly<Record<string, string | undefined>>): boolean {
  return stream.isTTY === true && (env['CI'] ?? '') === '' && env['TERM'] !== 'dumb'
}
