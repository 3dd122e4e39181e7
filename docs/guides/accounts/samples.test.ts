import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { afterEach, describe, expect, test } from 'vitest'
import { SiteSession } from '@/lib/accounts/site-session'
import { VerifyUrl } from '@/lib/accounts/verify-url'
import { freePort } from '@/test/support/free-port'
import { until } from '@/test/support/until'

/** The sample servers of this guide, each in a process of its own, as a team would run it. */

const SECRET = Buffer.alloc(32, 7)
const PERSON = { id: 'user-1', name: 'Mei Tan' }

let child: ChildProcess | null = null
afterEach(() => child?.kill('SIGKILL'))

async function run(command: string, file: string): Promise<string> {
  const port = await freePort()
  const env = { ...process.env, PORT: String(port), ACCOUNTS_VERIFY_SECRET: `whsec_${SECRET.toString('base64')}` }
  child = spawn(command, [`docs/guides/accounts/${file}`], { env, stdio: 'ignore' })
  const url = `http://127.0.0.1:${port}/`
  await until(() =>
    fetch(url).then(
      () => true,
      () => false,
    ),
  )
  return url
}

/** With `CI` set a missing program is a failure. */
const isMissing = (command: string) => process.env.CI === undefined && spawnSync(command, ['--version']).status !== 0

describe('a server that verifies name and password', () => {
  const verifierOf = (url: string, secret = SECRET) =>
    new VerifyUrl({ settings: { url, secret }, fetch: (to, init) => fetch(to, init), wall: Date.now })

  test.each([
    [process.execPath, 'verify-url.mjs'],
    ['python3', 'verify_url.py'],
  ])('%s %s', async (command, file) => {
    if (isMissing(command)) return
    const url = await run(command, file)
    expect(await verifierOf(url).findPerson('mei', 'correct horse')).toMatchObject({ ...PERSON, groups: ['staff'] })
    expect(await verifierOf(url).findPerson('mei', 'wrong')).toBeNull()
    expect(await verifierOf(url).findPerson('nobody', 'correct horse')).toBeNull()
    await expect(verifierOf(url, Buffer.alloc(32, 8)).findPerson('mei', 'correct horse')).rejects.toThrow('400')
    const unsigned = JSON.stringify({ username: 'mei', password: 'correct horse' })
    expect((await fetch(url, { method: 'POST', body: unsigned })).status).toBe(400)
  })
})

test.each([
  [process.execPath, 'site-session.mjs'],
  ['python3', 'site_session.py'],
])('a server that says who is signed in at the site: %s %s', async (command, file) => {
  if (isMissing(command)) return
  const url = await run(command, file)
  const site = new SiteSession({ url, fetch: (to, init) => fetch(to, init) })
  expect(await site.findPerson('sid=a-session-id')).toMatchObject({ ...PERSON, email: 'mei@example.com' })
  expect(await site.findPerson('sid=another')).toBeNull()
})
