/** Whether an error code stands anywhere in a response: that of the whole, or of one topic, partition, resource … */
export function holdsError(body: object, errorCode: number): boolean {
  for (const [name, value] of Object.entries(body)) {
    if (name === 'errorCode') {
      if (value === errorCode) return true
    } else if (Array.isArray(value)) {
      if (value.some(element => isStruct(element) && holdsError(element, errorCode))) return true
    } else if (isStruct(value) && holdsError(value, errorCode)) {
      return true
    }
  }
  return false
}

function isStruct(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)
}
