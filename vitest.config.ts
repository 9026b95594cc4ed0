import { defineConfig } from 'vitest/config'

const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  // vitest 5 on an older Node crashes only when a test fails, which looks like success until then.
  throw new Error(`kafka-trial needs Node 24 or newer, this is ${process.version}: run the tests with "npm test"`)
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'properties/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    env: { NODE_ENV: 'production', TZ: 'UTC', KAFKAJS_NO_PARTITIONER_WARNING: '1' },
  },
})
