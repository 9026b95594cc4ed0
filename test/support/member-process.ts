import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { GroupMemberEvent, GroupMemberOptions } from './group-member.ts'

const MEMBER = join(import.meta.dirname, 'group-member.ts')

/** A member of a group in a process of its own. */
export class MemberProcess {
  readonly values: string[] = []
  /** What it was given last. */
  partitions: readonly number[] = []
  /** −1 where the client does not tell it. */
  generation = -1
  /** How often it has told of what it was given. */
  joins = 0
  readonly #process: ChildProcess

  constructor(options: GroupMemberOptions) {
    this.#process = spawn(process.execPath, ['--no-warnings', MEMBER, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    if (this.#process.stdout === null) throw new Error('the member has no output')
    createInterface({ input: this.#process.stdout }).on('line', line => this.#hear(JSON.parse(line)))
  }

  /** It is gone at once and leaves nobody word. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  leave(): Promise<void> {
    return this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.kill(signal)
    await exited
  }

  #hear(event: GroupMemberEvent): void {
    if (event.event === 'record') {
      this.values.push(event.value)
      return
    }
    this.joins += 1
    this.generation = event.generation
    this.partitions = event.partitions
  }
}
