import { defineConfig, devices } from '@playwright/test'
import { findBrowser } from './scripts/browser'

const executablePath = findBrowser()

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  timeout: 60_000,
  expect: { timeout: 10_000 },
  forbidOnly: Boolean(process.env.CI),
  // Each worker runs its own servers and two browser contexts, so more workers would only wait.
  workers: 2,
  fullyParallel: false,
  retries: 0,
  reporter: process.env.CI ? [['list']] : [['line']],
  use: {
    ...devices['Desktop Chrome'],
    // A trace doubles the duration of a test. Failures are investigated locally.
    trace: process.env.CI ? 'off' : 'retain-on-failure',
    launchOptions: {
      ...(executablePath === null ? {} : { executablePath }),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
})
