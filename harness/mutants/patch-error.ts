/** A patch cannot be read, or does not apply to the sources as they are. */
export class PatchError extends Error {
  override readonly name = 'PatchError'
}
