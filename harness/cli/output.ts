import { createStyle, isInteractive, type Style, wantsColour } from '../report/style.ts'

/** Results go to standard output; progress and errors to standard error. */
export function printLines(lines: readonly string[]): void {
  process.stdout.write(lines.map(line => `${line}\n`).join(''))
}

export function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

export function printError(line: string): void {
  process.stderr.write(`kafka-trial: ${line}\n`)
}

export function outputStyle(): Style {
  return createStyle(wantsColour(process.stdout, process.env))
}

export function hasInteractiveProgress(): boolean {
  return isInteractive(process.stderr, process.env)
}
