/** @type {import('jest').Config} */
const shared = {
  testEnvironment: '<rootDir>/test/support/native/environment.js',
  testRunner: '<rootDir>/test/support/native/runner.js',
  // For the global set-up. Node loads the test files, by test/support/native/hooks.js.
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }],
  },
}

/** For projects whose tests need a Postgres: one server for all of them, unless LUME_TEST_DATABASE_URL names one. */
const withPostgres = {
  globalSetup: '<rootDir>/test/support/postgres-setup.ts',
  globalTeardown: '<rootDir>/test/support/postgres-teardown.ts',
}

export default {
  // Two: tests of processes keep two cores busy, since what they start works beside them.
  maxWorkers: 2,
  // What test files leave behind adds up: with a large heap the collector stops a worker for longer than what is bounded in
  // time may take.
  workerIdleMemoryLimit: '400MB',
  testTimeout: 30_000,
  reporters: ['default', '<rootDir>/test/support/failure-matrix/reporter.js'],
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/test/unit/**/*.test.ts'] },
    { ...shared, displayName: 'embedded', testMatch: ['<rootDir>/test/embedded/**/*.test.ts'] },
    { ...shared, ...withPostgres, displayName: 'db', testMatch: ['<rootDir>/test/db/**/*.test.ts'] },
    { ...shared, ...withPostgres, displayName: 'api', testMatch: ['<rootDir>/test/api/**/*.test.ts'] },
    {
      ...shared,
      ...withPostgres,
      displayName: 'process',
      testMatch: ['<rootDir>/test/process/**/*.test.ts'],
    },
    // Faults at random under load: `npm test` runs them last, with nothing beside them.
    { ...shared, ...withPostgres, displayName: 'storm', testMatch: ['<rootDir>/test/storm/**/*.test.ts'] },
  ],
}
