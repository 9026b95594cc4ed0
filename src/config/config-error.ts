/** A configuration value that is not allowed: which key, what it was given, and what it would take, in one line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly key: string
  readonly value: string
  readonly allowed: string

  constructor(key: string, value: string, allowed: string) {
    super(`invalid value ${JSON.stringify(value)} for configuration ${key}: ${allowed}`)
    this.key = key
    this.value = value
    this.allowed = allowed
  }
}
