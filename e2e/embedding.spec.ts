import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Agent } from './support/agent'
import { type Run, run } from './support/run'
import { freePort, until } from './support/server'
import { expect, test } from './support/test'

const APP = 'docs/guides/embedding/next'

let started: Run | null = null
test.afterEach(() => started?.kill('SIGKILL'))

test('another Next app serves the API from one file, and keeps its own pages', async () => {
  test.setTimeout(180_000)
  const next = resolve('node_modules/next/dist/bin/next')
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' }
  const built = spawnSync(process.execPath, [next, 'build'], { cwd: APP, env, encoding: 'utf8' })
  expect(built.status, `${built.stdout}${built.stderr}`).toBe(0)

  const port = await freePort()
  const origin = `http://localhost:${port}`
  const dataDir = mkdtempSync(join(tmpdir(), 'qr-login-embedded-'))
  const settings = {
    DATA_DIR: dataDir,
    NODE_ENV: 'production',
    PUBLIC_ORIGIN: origin,
    SESSION_SECRET: 'a secret for tests that is long enough',
    DEMO_ACCOUNTS: 'true',
    CONFIRM_MIN_MS: '0',
  }
  started = run(process.execPath, [next, 'start', '--port', String(port)], settings, { cwd: APP })
  await until(async () => (await fetch(`${origin}/api/health/ready`).catch(() => null))?.ok === true)
  expect(await (await fetch(origin)).text()).toContain('Your own pages.')
  const [computer, phone] = [new Agent(origin), new Agent(origin)]
  await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const { json: review } = await phone.send('POST', '/api/qr/scan', { code: attempt.code.url.split('#')[1] })
  expect(review).toMatchObject({
    status: 'scanned',
    match: { required: true, reasons: ['new_browser', 'unknown_network'] },
  })
  await computer.send('POST', `/api/qr/${attempt.id}/match`, { number: review.match.number })
  await phone.send('POST', '/api/qr/confirm', { claim: review.claim })
  const { ticket } = (await computer.send('GET', `/api/qr/${attempt.id}`)).json
  expect((await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { ticket })).status).toBe(200)
  expect((await computer.send('GET', '/api/session')).json).toMatchObject({ person: { name: 'Ada Byron' } })
  const events = (await computer.open('GET', '/api/account/events')).text()
  started.kill('SIGTERM')
  expect(await events).toContain('event: bye')
  await started.ended
  rmSync(dataDir, { recursive: true })
})
