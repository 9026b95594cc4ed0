import type { GroupHistory } from '../history/group-history.ts'
import type { MemberNode } from '../trial/client-node.ts'
import type { GroupSpec, MemberSpec, Redeploy } from '../trial/group-spec.ts'
import type { SimulatedHost } from '../world/host.ts'
import type { SimulatedProcess } from '../world/process.ts'
import type { Assignment, ConsumerClient, ConsumerListener } from './clients/consumer-client.ts'
import { GroupMember } from './group-member.ts'
import type { Sink } from './sink.ts'

/** How long whoever runs an application waits before it starts one again that ended by itself, virtual ms. */
const RESTART_MS = 1000

export interface MemberHostOptions {
  /** `group-0-member-1` */
  readonly name: string
  readonly groupId: string
  readonly host: SimulatedHost
  readonly history: GroupHistory
  /** Place of the member in its group. */
  readonly member: number
  readonly group: GroupSpec
  readonly sink: Sink
  readonly createClient: (process: SimulatedProcess, listener: ConsumerListener) => ConsumerClient
  /** A planned redeploy has come to its new start. */
  readonly onRedeployed: () => void
  readonly tell: (text: string) => void
}

type State = 'down' | 'running' | 'closing'

/** A member's machine, and the application that runs, ends and starts again on it. */
export class MemberHost implements MemberNode {
  readonly name: string
  readonly groupId: string
  readonly host: SimulatedHost
  readonly member: number
  readonly #options: MemberHostOptions
  #state: State = 'down'
  #process: SimulatedProcess | undefined
  #application: GroupMember | undefined
  #runs = 0
  /** A redeploy has ended it, and it has not started since. */
  #isReplaced = false
  /** What keeps it down: faults, redeploys. */
  #holds = 0
  /** Of who waits for it to close: its process may end before. */
  #onDown: (() => void) | undefined

  constructor(options: MemberHostOptions) {
    this.#options = options
    this.name = options.name
    this.groupId = options.groupId
    this.host = options.host
    this.member = options.member
  }

  get running(): boolean {
    return this.#state === 'running'
  }

  /** The process that runs now; undefined while none does. */
  get process(): SimulatedProcess | undefined {
    return this.#process
  }

  /** Which of its starts is the latest. */
  get run(): number {
    return this.#runs
  }

  /** What it owns; undefined while it runs not or has no assignment. */
  get assignment(): Assignment | undefined {
    return this.#application?.assignment
  }

  /** Starts the member and arms its redeploys; times count from now. */
  plan({ startMs, redeploys }: MemberSpec): void {
    this.#after(startMs, () => this.start())
    for (const redeploy of redeploys) this.#after(redeploy.atMs, () => this.#redeploy(redeploy))
  }

  /** Starts the member unless it runs, or something keeps it down. One that is closing starts when it has. */
  start(): void {
    if (this.#state !== 'down' || this.#holds > 0) return
    const { host, history, member, group, sink, createClient, tell } = this.#options
    this.#state = 'running'
    const process = host.process(this.name)
    this.#process = process
    const run = { member, run: ++this.#runs }
    const onGaveUp = (): void => this.#restart(process)
    process.run(() => {
      const context = { process, history, run, spec: group, sink, createClient, onGaveUp, tell }
      this.#application = new GroupMember(context)
      this.#application.start()
    })
    if (!this.#isReplaced) return
    this.#isReplaced = false
    this.#options.onRedeployed()
  }

  /**
   * Ends the member and keeps it down until the result is called, which starts it again, unless something else still keeps it
   * down: then it returns false. Undefined when it does not run.
   */
  takeDown(how: Redeploy['how']): (() => boolean) | undefined {
    if (this.#state !== 'running') return undefined
    this.#holds++
    if (how === 'kill') this.#kill()
    else void this.#close()
    return () => {
      this.#holds--
      this.start()
      return this.#holds === 0
    }
  }

  /** Ends its process as `kill -9` and starts a fresh one, as an operator does with an application that is stuck. */
  renew(): void {
    this.#options.tell('is restarted')
    if (this.#state !== 'down') this.#kill()
    this.start()
  }

  /**
   * Lets the application close its consumer and exit for good. Resolves when it has.
   *
   * @param linger what happens between the two, if the consumer could be closed
   */
  async retire(linger: (process: SimulatedProcess) => Promise<void>): Promise<void> {
    this.#holds++
    await this.#close(linger)
  }

  async #close(linger?: (process: SimulatedProcess) => Promise<void>): Promise<void> {
    const process = this.#process
    const application = this.#application
    if (this.#state !== 'running' || process === undefined || application === undefined) return
    this.#state = 'closing'
    const closed = await new Promise<boolean>(resolve => {
      this.#onDown = () => resolve(false)
      process.run(() => application.close()).then(resolve, () => resolve(false))
    })
    if (this.#process !== process) return
    if (closed) await linger?.(process)
    this.#exit(process)
  }

  #exit(process: SimulatedProcess): void {
    process.kill()
    this.#down()
    this.start()
  }

  #redeploy({ how, forMs }: Redeploy): void {
    const release = this.takeDown(how)
    if (release === undefined) return
    this.#isReplaced = true
    this.#options.tell(how === 'kill' ? 'is killed for a new version' : 'makes way for a new version')
    this.#after(forMs, release)
  }

  #restart(process: SimulatedProcess): void {
    if (this.#process !== process) return
    process.kill()
    this.#down()
    this.#after(RESTART_MS, () => this.start())
  }

  #kill(): void {
    this.#application?.ended('killed')
    this.#process?.kill()
    this.#down()
  }

  #down(): void {
    this.#state = 'down'
    this.#process = undefined
    this.#application = undefined
    this.#onDown?.()
    this.#onDown = undefined
  }

  #after(ms: number, run: () => void): void {
    const { world } = this.#options.host
    world.at(world.nowUs + ms * 1000, world.mainLane, 'timer', run)
  }
}
