import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { App, Browser, codeOf, signedInPhone } from '../../test/support/app'
import { bitsOfIPv4, writeMmdb } from '../../test/support/mmdb'
import type { Review } from '../core/attempt/views'
import { ConfigError } from '../core/start-error'

let app: App
afterEach(() => app.dispose())

/** The computer as the phone sees it. */
async function computerAt(address: string, headers: Record<string, string> = {}): Promise<Review['computer']> {
  const computer = new Browser(app)
  computer.address = address
  const response = await computer.send('POST', '/api/qr', { headers })
  const phone = await signedInPhone(app, 'ada')
  const review = await phone.get<Review>('POST', '/api/qr/scan', { code: codeOf(await response.json()) })
  return review.computer
}

test('the place is from PLACE_HEADER, for a trusted proxy only', async () => {
  app = new App({ TRUSTED_PROXIES: '10.0.0.1', MATCH_POLICY: 'never', PLACE_HEADER: 'CF-IPCity' })
  const headers = { 'CF-IPCity': 'Lisbon', 'X-Forwarded-For': '203.0.113.7' }
  expect(await computerAt('10.0.0.1', headers)).toMatchObject({ place: 'Lisbon', sameNetwork: true })
  expect(await computerAt('10.0.0.2', headers)).toMatchObject({ place: null, sameNetwork: false })
})

test('the place is never from a header that is not configured', async () => {
  app = new App({ TRUSTED_PROXIES: '10.0.0.1', MATCH_POLICY: 'never' })
  for (const name of ['X-Vercel-IP-City', 'CF-IPCity']) {
    const headers = { [name]: 'Springfield', 'X-Forwarded-For': '203.0.113.7' }
    expect(await computerAt('10.0.0.1', headers)).toMatchObject({ place: null })
  }
})

test('the place is from a local database, for the phone and in the list', async () => {
  const first = new App()
  const file = join(first.folder, 'city.mmdb')
  writeFileSync(file, writeMmdb([[bitsOfIPv4('203.0.113.0', 24), { city: { names: { en: 'Porto' } } }]]))
  app = new App({ GEOIP_DB: file })
  const computer = new Browser(app)
  const phone = await signedInPhone(app, 'ada')
  const attempt = await computer.start()
  const { claim, computer: scanned } = await phone.scan(attempt)
  expect(scanned.place).toBe('Porto')
  await phone.get('POST', '/api/qr/confirm', { claim })
  const { ticket } = await computer.get<{ ticket: string }>('GET', `/api/qr/${attempt.id}`)
  await computer.get('POST', `/api/qr/${attempt.id}/redeem`, { ticket })
  expect(await phone.get('GET', '/api/sessions')).toMatchObject({ sessions: [{ place: 'Porto' }] })
  first.dispose()
})

test('an unreadable database prevents the start, with the name of the setting', () => {
  app = new App()
  expect(() => new App({ GEOIP_DB: join(app.folder, 'missing.mmdb') })).toThrow(ConfigError)
  expect(() => new App({ GEOIP_DB: join(app.folder, 'missing.mmdb') })).toThrow(/GEOIP_DB +expected: the path of/)
})
