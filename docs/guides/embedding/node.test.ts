import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Agent } from '@/e2e/support/agent'
import { freePort } from '@/test/support/free-port'
import { serve } from './node'

test('a plain node:http server signs a computer in, and answers everything else itself', async () => {
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const dataDir = mkdtempSync(join(tmpdir(), 'qr-login-embedded-'))
  const { server, stop } = serve({
    PUBLIC_ORIGIN: origin,
    SESSION_SECRET: 'a secret for tests that is long enough',
    DATA_DIR: dataDir,
    DEMO_ACCOUNTS: 'true',
    CONFIRM_MIN_MS: '0',
    LOG_LEVEL: 'silent',
  })
  await new Promise<void>((resolve) => server.listen(port, resolve))
  expect((server.address() as AddressInfo).port).toBe(port)

  const [computer, phone] = [new Agent(origin), new Agent(origin)]
  expect(await (await computer.open('GET', '/elsewhere')).text()).toBe('Your own pages.\n')
  await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const stream = (await computer.open('GET', `/api/qr/${attempt.id}/events`)).text()
  const { json: review } = await phone.send('POST', '/api/qr/scan', { code: attempt.code.url.split('#')[1] })
  // Both clients have the address of their socket: they are on one network, and no number is
  // required.
  expect(review).toMatchObject({ status: 'scanned', match: { required: false } })
  await phone.send('POST', '/api/qr/confirm', { claim: review.claim })
  const { ticket } = (await computer.send('GET', `/api/qr/${attempt.id}`)).json
  expect((await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { ticket })).status).toBe(200)
  expect((await computer.send('GET', '/api/session')).json).toMatchObject({ person: { name: 'Ada Byron' } })
  expect([...(await stream).matchAll(/^event: (\w+)/gm)].map(([, name]) => name)).toEqual(Array(4).fill('attempt'))

  const { json: waiting } = await computer.send('POST', '/api/qr', {})
  const streams = await Promise.all([
    computer.open('GET', `/api/qr/${waiting.id}/events`),
    computer.open('GET', '/api/account/events'),
  ])
  const left = Promise.all(streams.map((response) => response.text()))
  await stop()
  for (const events of await left) expect(events).toContain('event: bye')
  rmSync(dataDir, { recursive: true })
})
