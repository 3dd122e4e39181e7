import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Agent } from './support/agent'
import { audit, notHeld } from './support/audit'
import { freePort, Server } from './support/server'
import { expect, test } from './support/test'

/**
 * The app as it would be if `proxy.ts` were deleted, or skipped by a request that the framework does not match: nothing is authorised
 * in there, so that nothing may change but the policy of the pages.
 */

/** Beside the project's own modules, so that it finds them. */
const FOLDER = 'test-results/without-proxy'
const PARTS = [
  'app',
  'lib',
  'public',
  'scripts/start.mjs',
  'instrumentation.ts',
  'instrumentation-node.ts',
  'next.config.js',
  'package.json',
  'tsconfig.json',
]

test.describe.configure({ mode: 'serial', timeout: 300_000 })

let server: Server

test.beforeAll(async () => {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER, { recursive: true })
  for (const part of PARTS) cpSync(part, join(FOLDER, part), { recursive: true })
  const next = join(process.cwd(), 'node_modules/next/dist/bin/next')
  const build = spawn(process.execPath, [next, 'build'], { cwd: FOLDER })
  let output = ''
  for (const stream of [build.stdout, build.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const code = await new Promise((resolve) => build.once('exit', resolve))
  if (code !== 0) throw new Error(output)
  server = new Server(await freePort(), { RATE_LIMIT_SCALE: '2', CODE_PERIOD_S: '3' }, FOLDER)
  await server.start()
})

test.afterAll(async () => {
  await server.dispose()
  rmSync(FOLDER, { recursive: true, force: true })
})

test('pages still ask who is there, and run nothing', async () => {
  const nobody = await fetch(`${server.origin}/`, { redirect: 'manual' })
  expect([nobody.status, nobody.headers.get('location')]).toEqual([307, '/login'])
  const computer = new Agent(server.origin)
  for (const path of ['/login', '/q', '/phone', '/nowhere']) {
    const page = await computer.open('GET', path)
    expect(page.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    await page.text()
  }
})

test('the audit still finds no flaw but in the policy of the pages', async () => {
  const report = await audit(server.origin)
  const found = notHeld(report).filter((line) => !line.includes(' skipped '))
  expect(found).toEqual(['answers.policy flaw /login does not forbid base-uri'])
})
