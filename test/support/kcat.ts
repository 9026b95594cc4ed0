import { spawn } from 'node:child_process'

/** Runs kcat against a broker; gives what it wrote. Rejects, with its messages, when it fails. */
export function runKcat(bootstrap: string, args: readonly string[], input?: string): Promise<string> {
  const child = spawn('kcat', ['-b', bootstrap, ...args], { timeout: 60_000 })
  let output = ''
  let messages = ''
  child.stdout.on('data', chunk => {
    output += chunk
  })
  child.stderr.on('data', chunk => {
    messages += chunk
  })
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => {
      if (code === 0) resolve(output)
      else reject(new Error(`kcat ${args.join(' ')} ended with ${code}: ${messages}`))
    })
  })
}
