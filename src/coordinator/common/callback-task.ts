import { TimerTask } from '../../runtime/timer-task.ts'

/** A task that calls back. */
export class CallbackTask extends TimerTask {
  readonly #callback: () => void

  constructor(delayMs: number, callback: () => void) {
    super(delayMs)
    this.#callback = callback
  }

  override run(): void {
    this.#callback()
  }
}
