import { ScenarioError } from './scenario-error.ts'

/** A value of a JSON document and where it stands. Every reader throws `ScenarioError` when something else stands there. */
export class JsonValue {
  readonly #value: unknown
  readonly #path: string

  constructor(value: unknown, path = '') {
    this.#value = value
    this.#path = path
  }

  /** Whether the key is there at all. */
  has(key: string): boolean {
    return key in this.#object()
  }

  get(key: string): JsonValue {
    const object = this.#object()
    return new JsonValue(
      Object.hasOwn(object, key) ? object[key] : undefined,
      this.#path === '' ? key : `${this.#path}.${key}`,
    )
  }

  /** Refuses keys other than the ones named: a misspelt key would be ignored in silence. */
  only(...keys: readonly string[]): this {
    for (const key of Object.keys(this.#object())) {
      if (keys.includes(key)) continue
      throw new ScenarioError(
        `${this.#path === '' ? '' : `${this.#path}.`}${key}`,
        this.#object()[key],
        `one of the keys ${keys.join(', ')}`,
      )
    }
    return this
  }

  whole(low: number, high: number): number {
    const value = this.#value
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= low && value <= high) return value
    return this.#refuse(`a whole number from ${low} to ${high}`)
  }

  isNumber(): boolean {
    return typeof this.#value === 'number'
  }

  wholeOrNull(low: number, high: number): number | null {
    if (this.#value === null) return null
    const value = this.#value
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= low && value <= high) return value
    return this.#refuse(`null or a whole number from ${low} to ${high}`)
  }

  boolean(): boolean {
    return typeof this.#value === 'boolean' ? this.#value : this.#refuse('true or false')
  }

  /** Text of 1 up to `maxLength` characters. */
  text(maxLength: number): string {
    const value = this.#value
    return typeof value === 'string' && value.length > 0 && value.length <= maxLength
      ? value
      : this.#refuse(`text of 1 to ${maxLength} characters`)
  }

  textOrNull(maxLength: number): string | null {
    if (this.#value === null) return null
    const value = this.#value
    return typeof value === 'string' && value.length > 0 && value.length <= maxLength
      ? value
      : this.#refuse(`null or text of 1 to ${maxLength} characters`)
  }

  null(): null {
    return this.#value === null ? null : this.#refuse('null')
  }

  oneOf<T extends string | number>(allowed: readonly T[]): T {
    const found = allowed.find(item => item === this.#value)
    return found ?? this.#refuse(allowed.length === 1 ? `${allowed[0]}` : `one of ${allowed.join(', ')}`)
  }

  /** A list of at least `low` and at most `high` items. */
  list<T>(low: number, high: number, read: (item: JsonValue) => T): T[] {
    const value = this.#value
    if (!Array.isArray(value) || value.length < low || value.length > high) {
      return this.#refuse(`a list of ${low} to ${high} items`)
    }
    return value.map((item, index) => read(new JsonValue(item, `${this.#path}[${index}]`)))
  }

  /** Text by key, of at most `maxKeys` keys. */
  texts(maxKeys: number, maxLength: number): Record<string, string> {
    const entries = Object.keys(this.#object())
    if (entries.length > maxKeys) return this.#refuse(`at most ${maxKeys} keys`)
    return Object.fromEntries(entries.map(key => [key, this.get(key).#textOrEmpty(maxLength)]))
  }

  /** Whole numbers by key, of at most `maxKeys` keys. */
  wholes(maxKeys: number, low: number, high: number): Record<string, number> {
    const keys = Object.keys(this.#object())
    if (keys.length > maxKeys) return this.#refuse(`at most ${maxKeys} keys`)
    return Object.fromEntries(keys.map(key => [key, this.get(key).whole(low, high)]))
  }

  #textOrEmpty(maxLength: number): string {
    const value = this.#value
    return typeof value === 'string' && value.length <= maxLength
      ? value
      : this.#refuse(`text of at most ${maxLength} characters`)
  }

  #object(): Record<string, unknown> {
    const value = this.#value
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
    return this.#refuse('an object')
  }

  #refuse(allowed: string): never {
    throw new ScenarioError(this.#path, this.#value, allowed)
  }
}
