import { defineConfig, devices } from '@playwright/test'
import { findBrowser } from './scripts/browser'

const executablePath = findBrowser()

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  timeout: 60_000,
  expect: { timeout: 10_000 },
  forbidOnly: Boolean(process.env.CI),
  // Every worker runs servers of its own and two browser contexts; more of them only wait for each other.
  workers: 2,
  fullyParallel: false,
  retries: 0,
  reporter: process.env.CI ? [['list']] : [['line']],
  use: {
    ...devices['Desktop Chrome'],
    // Recording costs as much again as the test; who looks into a failure runs it at home.
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
