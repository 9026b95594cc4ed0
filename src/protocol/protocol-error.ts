/**
 * Bytes that are not what the protocol says they must be. Whoever sent them is broken or hostile: the answer is to close
 * the connection.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  /** Byte position in the frame at which decoding stopped. */
  readonly position: number
  /** What is wrong and what would be right, without the place. */
  readonly reason: string
  /** Where in the message, outermost first: `ProduceRequest`, `topicData`, `0`, `name`. Grows while the error rises. */
  readonly path: (string | number)[] = []

  constructor(reason: string, position: number) {
    super(reason)
    this.reason = reason
    this.position = position
  }

  /** Adds the enclosing field or index to `path`; the error continues on its way up. */
  within(part: string | number): this {
    this.path.unshift(part)
    this.message = `${formatPath(this.path)} at byte ${this.position}: ${this.reason}`
    return this
  }
}

/** A value that cannot be written in the version asked for. A mistake of the caller, never of the peer. */
export class EncodeError extends Error {
  override readonly name = 'EncodeError'
  readonly reason: string
  /** Where in the message, outermost first. Grows while the error rises. */
  readonly path: (string | number)[] = []

  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }

  /** Adds the enclosing field or index to `path`; the error continues on its way up. */
  within(part: string | number): this {
    this.path.unshift(part)
    this.message = `${formatPath(this.path)}: ${this.reason}`
    return this
  }
}

/** An API key that is not served, or a version outside the range that is accepted for it. */
export class UnsupportedVersionError extends Error {
  override readonly name = 'UnsupportedVersionError'
  readonly apiKey: number
  readonly apiVersion: number

  /** @param supported what would have been right: `3-13`, or null when the API is not known at all */
  constructor(apiKey: number, apiVersion: number, supported: string | null) {
    super(
      supported === null
        ? `unknown API key ${apiKey} (version ${apiVersion})`
        : `version ${apiVersion} of API key ${apiKey} is not supported, versions ${supported} are`,
    )
    this.apiKey = apiKey
    this.apiVersion = apiVersion
  }
}

function formatPath(path: readonly (string | number)[]): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else text += text === '' ? part : `.${part}`
  }
  return text
}
