/** A scenario, or a file around one, that cannot be used: where, what stands there, and what may stand there. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError'
  /** `workload.producers[0].acks` */
  readonly path: string
  readonly value: unknown
  readonly allowed: string

  constructor(path: string, value: unknown, allowed: string) {
    super(`${path === '' ? 'scenario' : path} is ${shown(value)}, expected ${allowed}`)
    this.path = path
    this.value = value
    this.allowed = allowed
  }

  /** The same error, naming the file it was found in. */
  in(file: string): ScenarioError {
    return new ScenarioError(`${file}: ${this.path === '' ? 'scenario' : this.path}`, this.value, this.allowed)
  }
}

const MAX_SHOWN = 60

function shown(value: unknown): string {
  if (value === undefined) return 'missing'
  const text = JSON.stringify(value) ?? String(value)
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
