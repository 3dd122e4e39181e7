import { afterEach, expect, test } from 'vitest'
import { App, Browser, codeOf, refusal } from '../../test/support/app'
import type { Review } from '../core/attempt/views'

let app: App
afterEach(() => app.dispose())

type Headers = Record<string, string>

/** The review of a phone and a computer at one address, each with its own headers. */
async function review(address: string, ofComputer: Headers, ofPhone = ofComputer): Promise<Review> {
  const computer = new Browser(app)
  const phone = new Browser(app)
  computer.address = address
  phone.address = address
  await phone.signInPhone('ada')
  const started = await computer.send('POST', '/api/qr', { headers: ofComputer })
  const code = codeOf(await started.json())
  const scanned = await phone.send('POST', '/api/qr/scan', { body: { code }, headers: ofPhone })
  const found = (await scanned.json()) as Review
  const confirmed = await phone.send('POST', '/api/qr/confirm', { body: { claim: found.claim } })
  if (found.match.required) expect(await refusal(confirmed)).toEqual({ status: 409, code: 'match_required' })
  else expect(confirmed.status).toBe(200)
  return found
}

const REQUIRED = { computer: { sameNetwork: false }, match: { required: true } }
const NOT_REQUIRED = { computer: { sameNetwork: true }, match: { required: false } }

test('behind an undeclared proxy all clients have its address, and the number is required', async () => {
  app = new App()
  expect(await review('203.0.113.7', {})).toMatchObject(NOT_REQUIRED)
  expect(await review('203.0.113.7', { 'X-Forwarded-For': '198.51.100.1' })).toMatchObject(REQUIRED)
  expect(await review('203.0.113.7', { 'X-Real-IP': '198.51.100.1' }, {})).toMatchObject(REQUIRED)
  expect(await review('203.0.113.7', {}, { Forwarded: 'for=198.51.100.1' })).toMatchObject(REQUIRED)
  expect(await review('10.0.0.1', {})).toMatchObject(REQUIRED)
})

test('behind a declared proxy the number is required for different addresses only', async () => {
  app = new App({ TRUSTED_PROXIES: '10.0.0.1' })
  const [one, other] = ['198.51.100.1', '198.51.100.2'].map((address) => ({ 'X-Forwarded-For': address }))
  expect(await review('10.0.0.1', one as Headers)).toMatchObject(NOT_REQUIRED)
  expect(await review('10.0.0.1', one as Headers, other as Headers)).toMatchObject(REQUIRED)
  expect(await review('10.0.0.1', {})).toMatchObject(REQUIRED)
  const forged = { 'X-Forwarded-For': '198.51.100.1, 198.51.100.9' }
  expect(await review('10.0.0.1', forged)).toMatchObject(REQUIRED)
})
