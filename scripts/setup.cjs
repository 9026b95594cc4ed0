// Makes `npm run explore`, `npm test` and `npm run bench` self-contained on a fresh checkout: installs the locked
// dependencies (which bring the project's own Node) when they are missing or older than the lock file.
const { existsSync, statSync } = require('node:fs')
const { join } = require('node:path')
const { spawnSync } = require('node:child_process')

const root = join(__dirname, '..')
const installed = join(root, 'node_modules', '.package-lock.json')
const lock = join(root, 'package-lock.json')
const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

if (!existsSync(installed) || !existsSync(node) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  process.stderr.write('kafka-trial: installing dependencies (once) ...\n')
  const npm = process.env.npm_execpath
  const [command, args] = npm
    ? [process.execPath, [npm, 'ci', '--loglevel=error']]
    : ['npm', ['ci', '--loglevel=error']]
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (result.status !== 0) {
    process.stderr.write('kafka-trial: "npm ci" failed; see the lines above\n')
    process.exit(4)
  }
}
