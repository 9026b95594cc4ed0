#!/usr/bin/env node
// Starts the command on a Node that can run it: this one, or the one the checkout brings.
const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')

const root = join(__dirname, '..')
const source = join(root, 'harness', 'cli', 'main.ts')
const built = join(root, 'dist', 'harness', 'cli', 'main.js')

if (Number(process.versions.node.split('.')[0]) >= 24) {
  process.env.NODE_ENV ??= 'production'
  import(pathToFileURL(existsSync(source) ? source : built).href)
} else {
  const own = join(root, 'node_modules', 'node', 'bin', 'node')
  if (!existsSync(own)) {
    process.stderr.write(`kafka-trial: needs Node 24 or newer, this is ${process.version}\n`)
    process.exit(2)
  }
  const { spawn } = require('node:child_process')
  const child = spawn(own, [__filename, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  process.on('SIGINT', () => {}) // a terminal sends it to the child as well
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 4))
}
