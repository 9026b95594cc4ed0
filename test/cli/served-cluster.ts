import type { ChildProcess } from 'node:child_process'
import { start } from './support.ts'

/** What `serve --json` prints. */
export interface Served {
  readonly bootstrap: string
  readonly brokers: readonly { readonly id: number; readonly host: string; readonly port: number }[]
  readonly clusterId: string
  readonly controlPort: number
}

/** Three brokers of `serve`, with their files in a directory. */
export class ServedCluster {
  readonly #directory: string
  #child: ChildProcess | undefined
  #stderr = ''

  constructor(directory: string) {
    this.#directory = directory
  }

  /** What was written to the standard error so far. */
  get stderr(): string {
    return this.#stderr
  }

  /** Starts it; resolves when it serves. */
  async serve(...flags: readonly string[]): Promise<Served> {
    const ports = ['--base-port', '0', '--control-port', '0']
    const args = ['serve', '--brokers', '3', ...ports, '--data', this.#directory, '--json', ...flags]
    const process = start(args, this.#directory)
    this.#child = process
    process.stderr?.on('data', chunk => {
      this.#stderr += chunk
    })
    const line = await new Promise<string>((resolve, reject) => {
      process.stdout?.once('data', chunk => resolve(`${chunk}`))
      process.once('close', code => reject(new Error(`serve has ended with ${code}: ${this.#stderr}`)))
    })
    return JSON.parse(line)
  }

  /** Stops it as Ctrl-C does; resolves with its exit code. */
  async stop(): Promise<number | null> {
    const process = this.#child
    this.#child = undefined
    if (process === undefined || process.exitCode !== null) return process?.exitCode ?? null
    const code = new Promise<number | null>(resolve => process.once('close', resolve))
    process.kill('SIGINT')
    return code
  }
}

/** Asks the control API. */
export function control({ controlPort }: Served, path: string, method = 'GET', body?: object): Promise<Response> {
  const init = { method, ...(body !== undefined && { body: JSON.stringify(body) }) }
  return fetch(`http://127.0.0.1:${controlPort}${path}`, init)
}
