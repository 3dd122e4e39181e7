import { defineConfig } from 'vitest/config'

const TESTS = ['lib/**/*.test.ts', 'test/**/*.test.ts', 'app/**/*.test.ts', 'scripts/**/*.test.ts', 'docs/**/*.test.ts']

/** Tests that measure deadlines of 1 s and less on real processes: they run without others. */
const ALONE = [
  'lib/api/deadline.test.ts',
  'lib/server/**/*.test.ts',
  'lib/stores/redis/**/*.test.ts',
  'lib/stores/sqlite/{faults,lock,wal-sync}.test.ts',
  'test/attacks/{bypass,failover,filling,growth}.test.ts',
  'test/conformance/{conformance,races}.test.ts',
]

/** Builds of the guides contain packages with tests of their own. */
const FOREIGN = ['**/node_modules/**', '**/.next/**']

export default defineConfig({
  resolve: { alias: { '@': import.meta.dirname } },
  test: {
    testTimeout: 20_000,
    // The default of 1 s is too short for real processes on a busy machine.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: TESTS,
          exclude: [...ALONE, ...FOREIGN],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE, exclude: FOREIGN, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
})
