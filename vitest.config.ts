import { defineConfig } from 'vitest/config'

const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  // vitest 5 on an older Node crashes only when a test fails, which looks like success until then.
  throw new Error(`kafka-trial needs Node 24 or newer, this is ${process.version}: run the tests with "npm test"`)
}

export default defineConfig({
  // The examples import the package by its name, as its users do.
  resolve: { alias: { 'kafka-trial': new URL('./harness/index.ts', import.meta.url).pathname } },
  test: {
    include: ['test/**/*.test.ts', 'properties/**/*.test.ts', 'examples/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    env: { NODE_ENV: 'production', TZ: 'UTC', KAFKAJS_NO_PARTITIONER_WARNING: '1' },
  },
})
