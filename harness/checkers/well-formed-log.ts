import type { Checker } from './evidence.ts'

/** What lies on disk is a well-formed Kafka log: every finding of the inspection of its files is a `malformed-log-file`. */
export const wellFormedLog: Checker = ({ disk }) =>
  disk.map(({ node, file, message }) => ({
    guarantee: 'well-formed-log',
    kind: 'malformed-log-file',
    message: `The file ${file} of node ${node} is not well-formed: ${message}.`,
  }))
