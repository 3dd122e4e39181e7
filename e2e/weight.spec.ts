import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import type { Page } from '@playwright/test'
import { expect, test } from './support/test'

/** An empty page of the same framework, gzipped, in bytes: what is ours is what comes on top. */
const OWN_SCRIPTS_MOST = 20 * 1024

interface Manifest {
  rootMainFiles: string[]
  polyfillFiles: string[]
}

const gzipped = (bytes: Buffer) => gzipSync(bytes, { level: 9 }).length

/** The bytes of script that a page loads, gzipped, without the framework's own. */
async function weighOwnScripts(page: Page, url: string): Promise<number> {
  const bodies: Promise<[string, Buffer]>[] = []
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') {
      bodies.push(response.body().then((body) => [new URL(response.url()).pathname, body]))
    }
  })
  await page.goto(url)
  await page.waitForLoadState('networkidle')
  const scripts = await Promise.all(bodies)
  return scripts.reduce((sum, [, body]) => sum + gzipped(body), 0)
}

test('our own script on the login page is at most 20 KB beyond the framework', async ({ computer }) => {
  const manifest = JSON.parse(readFileSync('.next/build-manifest.json', 'utf8')) as Manifest
  const framework = [...manifest.rootMainFiles, ...manifest.polyfillFiles]
  const baseline = framework.reduce((sum, file) => sum + gzipped(readFileSync(`.next/${file}`)), 0)
  const login = await weighOwnScripts(computer.page, `${computer.server.origin}/login`)
  expect(login - baseline, `${login} bytes in all, ${baseline} the framework's`).toBeLessThanOrEqual(OWN_SCRIPTS_MOST)
})
