import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { App, Browser, codeOf, refusal, signedInPhone } from '../../test/support/app'
import type { AttemptView, Review } from '../core/attempt/views'

const CODE_DIES_MS = 60_000
const ATTEMPT_MS = 300_000

let app: App
let computer: Browser
let phone: Browser

beforeEach(() => {
  app = new App()
  computer = new Browser(app)
  phone = new Browser(app)
})
afterEach(() => app.dispose())

const hold = (by: Browser, attempt: AttemptView) => by.send('POST', '/api/qr/hold', { body: { code: codeOf(attempt) } })
const scanHeld = (by: Browser) => by.send('POST', '/api/qr/scan', { body: { held: true } })
const read = ({ id }: AttemptView) => computer.get<AttemptView>('GET', `/api/qr/${id}`)

describe('a phone that holds a code', () => {
  test('scans it after its person has signed in, although the code has expired since', async () => {
    const attempt = await computer.start()
    expect((await hold(phone, attempt)).status).toBe(204)
    app.now += CODE_DIES_MS * 2
    await phone.signInPhone('ada')
    const { claim } = await phone.get<Review>('POST', '/api/qr/scan', { held: true })
    expect(await read(attempt)).toMatchObject({ status: 'scanned', person: { name: 'Ada Byron' } })
    expect((await phone.get<Review>('POST', '/api/qr/confirm', { claim })).status).toBe('confirmed')
  })

  test('changes nothing that the computer sees', async () => {
    const attempt = await computer.start()
    await hold(phone, attempt)
    expect(await read(attempt)).toEqual(attempt)
  })

  test('has to be signed in to scan it, and holds it still when it is not', async () => {
    const attempt = await computer.start()
    await hold(phone, attempt)
    expect(await refusal(await scanHeld(phone))).toEqual({ status: 401, code: 'unauthenticated' })
    await phone.signInPhone('ada')
    expect((await scanHeld(phone)).status).toBe(200)
  })

  test('holds it no longer after the scan', async () => {
    await hold(phone, await computer.start())
    await phone.signInPhone('ada')
    expect((await scanHeld(phone)).status).toBe(200)
    expect(await refusal(await scanHeld(phone))).toEqual({ status: 404, code: 'code_unknown' })
  })

  test('holds it no longer after a scan of the code itself', async () => {
    const attempt = await computer.start()
    await hold(phone, attempt)
    await phone.signInPhone('ada')
    await phone.scan(attempt)
    expect(phone.cookies.has('__Host-qr_hold')).toBe(false)
    expect(await refusal(await scanHeld(phone))).toEqual({ status: 404, code: 'code_unknown' })
  })

  test('may hold it again after it has expired, as a reload does; another browser may not', async () => {
    const attempt = await computer.start()
    await hold(phone, attempt)
    app.now += CODE_DIES_MS
    expect((await hold(phone, attempt)).status).toBe(204)
    const other = await hold(new Browser(app), attempt)
    expect(await refusal(other)).toEqual({ status: 410, code: 'code_expired' })
  })

  test('holds one code: the second replaces the first', async () => {
    const first = await computer.start()
    const second = await computer.start()
    await hold(phone, first)
    await hold(phone, second)
    await phone.signInPhone('ada')
    expect((await scanHeld(phone)).status).toBe(200)
    expect([(await read(first)).status, (await read(second)).status]).toEqual(['pending', 'scanned'])
  })

  test('keeps its cookie until the attempt ends, and cannot scan the attempt afterwards', async () => {
    const attempt = await computer.start()
    app.now += 20_000
    const [cookie] = (await hold(phone, attempt)).headers.getSetCookie()
    expect(cookie).toMatch(/^__Host-qr_hold=[^;]+; Max-Age=280; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
    app.now += ATTEMPT_MS - 20_000
    await phone.signInPhone('ada')
    expect(await refusal(await scanHeld(phone))).toEqual({ status: 410, code: 'attempt_ended' })
  })

  test('comes second when another phone was faster', async () => {
    const attempt = await computer.start()
    await hold(phone, attempt)
    const faster = await signedInPhone(app, 'lin')
    await faster.scan(attempt)
    await phone.signInPhone('ada')
    expect(await refusal(await scanHeld(phone))).toEqual({ status: 409, code: 'attempt_taken' })
  })
})

describe('holding a code', () => {
  test('that is not ours is refused as unknown, one that is malformed as bad', async () => {
    const unknown = await phone.send('POST', '/api/qr/hold', { body: { code: 'A'.repeat(40) } })
    expect(await refusal(unknown)).toEqual({ status: 404, code: 'code_unknown' })
    for (const body of [{}, { code: 42 }, { code: '' }, { held: true }, { code: 'A', extra: 1 }]) {
      expect((await phone.send('POST', '/api/qr/hold', { body })).status).toBe(400)
    }
    expect([...phone.cookies]).toEqual([])
  })

  test('whose attempt is no longer pending is refused as expired', async () => {
    const scanned = await computer.start()
    await (await signedInPhone(app, 'lin')).scan(scanned)
    const cancelled = await computer.start()
    await computer.send('DELETE', `/api/qr/${cancelled.id}`)
    for (const attempt of [scanned, cancelled]) {
      expect(await refusal(await hold(phone, attempt))).toEqual({ status: 410, code: 'code_expired' })
    }
    expect([...phone.cookies]).toEqual([])
  })

  test('from a page of another site is refused', async () => {
    const attempt = await computer.start()
    const body = { code: codeOf(attempt) }
    const refused = await phone.send('POST', '/api/qr/hold', { body, site: 'cross-site' })
    expect(await refusal(refused)).toEqual({ status: 403, code: 'cross_site' })
  })

  test('is possible 20 times a minute from one address', async () => {
    const attempt = await computer.start()
    const held = await Promise.all(Array.from({ length: 50 }, () => hold(phone, attempt)))
    expect(held.filter(({ status }) => status === 204)).toHaveLength(20)
    expect(held.filter(({ status }) => status === 429)).toHaveLength(30)
    const elsewhere = new Browser(app)
    elsewhere.address = '198.51.100.66'
    expect((await hold(elsewhere, attempt)).status).toBe(204)
  })
})

describe('scanning what is held', () => {
  test('without a hold is refused as an unknown code, and is no guess', async () => {
    await phone.signInPhone('ada')
    for (let tries = 0; tries < 9; tries += 1) {
      expect(await refusal(await scanHeld(phone))).toEqual({ status: 404, code: 'code_unknown' })
    }
    expect((await phone.scan(await computer.start())).status).toBe('scanned')
  })

  test('with a cookie that is sealed for another purpose is refused', async () => {
    await phone.signInPhone('ada')
    phone.cookies.set('__Host-qr_hold', phone.cookies.get('__Host-qr_phone') ?? '')
    expect(await refusal(await scanHeld(phone))).toEqual({ status: 404, code: 'code_unknown' })
  })

  test('with a code scans only the attempt of this code', async () => {
    const [attempt, other] = [await computer.start(), await new Browser(app).start()]
    await hold(phone, attempt)
    await phone.signInPhone('ada')
    app.now += CODE_DIES_MS * 2
    const scanWith = (code: string) => phone.send('POST', '/api/qr/scan', { body: { held: true, code } })
    for (const code of [codeOf(other), 'x']) {
      expect(await refusal(await scanWith(code))).toEqual({ status: 404, code: 'code_unknown' })
    }
    expect((await scanWith(codeOf(attempt))).status).toBe(200)
  })

  test('without true, or with nothing, is a mistake', async () => {
    await phone.signInPhone('ada')
    const code = codeOf(await computer.start())
    for (const body of [{ code, held: false }, {}, { held: false }]) {
      expect(await refusal(await phone.send('POST', '/api/qr/scan', { body }))).toEqual({
        status: 400,
        code: 'bad_request',
      })
    }
  })
})
