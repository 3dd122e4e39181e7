import { afterEach, expect, test } from 'vitest'
import { type App, Browser, codeOf } from '../../test/support/app'
import { METRICS_TOKEN, measuredApp, scrape } from '../../test/support/scrape'
import { BEARER_ENV, JWT_SECRET, secretToken } from '../../test/support/tokens'

let app: App
afterEach(() => app.dispose())

test('2,000 sign-ins by 2,000 people add no series', { timeout: 240_000 }, async () => {
  app = measuredApp({ ...BEARER_ENV, RATE_LIMIT_SCALE: '100000' })
  const secrets: string[] = []
  const signIn = async (index: number) => {
    const sub = `person-number-${index}`
    const [computer, phone] = [new Browser(app), new Browser(app)]
    computer.address = phone.address = `198.18.${index >> 8}.${index & 255}`
    const headers = { Authorization: `Bearer ${secretToken({ sub, name: `Name of ${sub}` })}` }
    const attempt = await computer.start()
    const scanned = await phone.send('POST', '/api/qr/scan', { body: { code: codeOf(attempt) }, headers })
    const { claim } = (await scanned.json()) as { claim: string }
    await phone.send('POST', '/api/qr/confirm', { body: { claim }, headers })
    const { ticket } = await computer.get<{ ticket: string }>('GET', `/api/qr/${attempt.id}`)
    const redeemed = await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket } })
    expect(redeemed.status).toBe(200)
    if (index % 200 === 1) secrets.push(sub, attempt.id, claim, ticket, computer.address, codeOf(attempt))
  }
  await signIn(0)
  const first = await scrape(app)
  for (let index = 1; index < 2_000; index += 50) {
    const batch = Array.from({ length: Math.min(50, 2_000 - index) }, (_, offset) => signIn(index + offset))
    await Promise.all(batch)
  }
  const last = await scrape(app)
  expect(last.get('qr_login_attempts_total{outcome="redeemed"}')).toBe(2_000)
  expect([...last.samples.keys()]).toEqual([...first.samples.keys()])
  expect(secrets).toHaveLength(60)
  for (const each of [...secrets, 'Name of', METRICS_TOKEN, JWT_SECRET]) expect(last.text).not.toContain(each)
})
