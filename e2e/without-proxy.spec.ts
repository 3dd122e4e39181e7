import { buildWithoutProxy, hasWithoutProxy, WITHOUT_PROXY } from '../scripts/without-proxy.mjs'
import { Agent } from './support/agent'
import { audit, notHeld } from './support/audit'
import { freePort, Server } from './support/server'
import { expect, test } from './support/test'

/**
 * The app as it would be if `proxy.ts` were deleted, or skipped by a request that the framework does not match: nothing is authorised
 * in there, so that nothing may change but the policy of the pages.
 */

test.describe.configure({ mode: 'serial', timeout: 180_000 })

let server: Server

test.beforeAll(async () => {
  test.setTimeout(300_000)
  expect(hasWithoutProxy() || buildWithoutProxy()).toBe(true)
  server = new Server(await freePort(), { RATE_LIMIT_SCALE: '2', CODE_PERIOD_S: '3' }, WITHOUT_PROXY)
  await server.start()
})

test.afterAll(async () => await server.dispose())

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
