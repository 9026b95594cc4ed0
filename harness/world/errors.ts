/** Why a trial could not run to its end. `code` tells the kinds apart. */
export type WorldErrorCode = 'DEADLOCK' | 'EVENT_LIMIT' | 'TIME_LIMIT' | 'UNCAUGHT' | 'ESCAPE' | 'ALREADY_RUNNING'

export class WorldError extends Error {
  override readonly name = 'WorldError'
  readonly code: WorldErrorCode
  /** Virtual milliseconds at which it happened. */
  readonly atMs: number

  constructor(code: WorldErrorCode, atMs: number, message: string, options?: ErrorOptions) {
    super(`at ${atMs.toFixed(3)} ms: ${message}`, options)
    this.code = code
    this.atMs = atMs
  }
}
