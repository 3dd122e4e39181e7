import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import type { Page } from '@playwright/test'
import { expect, test } from './support/test'

const MAX_OWN_BYTES = 20_000
/** Marks the script of the App Router, which an empty page loads too. */
const ROUTER = 'ClientPageRoot'

test('the login page loads one font of 18 KB, and nothing from another origin', async ({ computer }) => {
  const fonts: Promise<Buffer>[] = []
  const origins = new Set<string>()
  computer.page.on('response', (response) => {
    const { protocol, origin } = new URL(response.url())
    if (protocol !== 'data:') origins.add(origin)
    if (response.request().resourceType() === 'font') fonts.push(response.body())
  })
  await computer.openLogin()
  await computer.readCode()
  await computer.page.waitForLoadState('networkidle')
  const sizes = (await Promise.all(fonts)).map(({ length }) => Math.round(length / 1024))
  expect([sizes, [...origins]]).toEqual([[18], [computer.server.origin]])
})

/** Measures the gzipped scripts that a page loads beyond the framework. */
async function ownScriptBytes(page: Page, open: () => Promise<void>): Promise<number> {
  const { rootMainFiles } = JSON.parse(readFileSync('.next/build-manifest.json', 'utf8')) as { rootMainFiles: string[] }
  const bodies: Promise<{ path: string; body: Buffer }>[] = []
  page.on('response', (response) => {
    if (response.request().resourceType() !== 'script') return
    bodies.push(response.body().then((body) => ({ path: new URL(response.url()).pathname, body })))
  })
  await open()
  await page.waitForLoadState('networkidle')
  const scripts = await Promise.all(bodies)
  const isFramework = ({ path, body }: { path: string; body: Buffer }) =>
    rootMainFiles.some((file) => path.endsWith(file)) || body.includes(ROUTER)
  const own = scripts.filter((script) => !isFramework(script))
  expect(scripts.length - own.length).toBe(rootMainFiles.length + 1)
  return own.reduce((sum, { body }) => sum + gzipSync(body, { level: 9 }).length, 0)
}

test('the login page loads at most 20 KB of scripts beyond the framework', async ({ computer }) => {
  const bytes = await ownScriptBytes(computer.page, async () => {
    await computer.openLogin()
    await computer.readCode()
  })
  expect(bytes).toBeGreaterThan(5_000)
  expect(bytes).toBeLessThanOrEqual(MAX_OWN_BYTES)
})

test('the question on the phone loads at most 20 KB of scripts beyond the framework', async ({ newPhone, server }) => {
  const phone = await newPhone(null)
  const bytes = await ownScriptBytes(phone.page, async () => {
    await phone.page.goto(`${server.origin}/q`)
    await phone.expectState('type_code')
  })
  expect(bytes).toBeGreaterThan(5_000)
  expect(bytes).toBeLessThanOrEqual(MAX_OWN_BYTES)
})
