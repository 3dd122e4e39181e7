import { afterEach, beforeEach, expect, test } from 'vitest'
import { addPasskey, creationOf, OURS, signInRequest } from '../../test/support/add-passkey'
import { App, Browser, codeOf, refusal as toRefusal } from '../../test/support/app'
import { Authenticator } from '../../test/support/authenticator'
import type { PasskeyRequest } from '../core/account/passkey'
import type { Review } from '../core/attempt/views'

/** Confirming with passkeys of an authenticator that signs with a real key. */

let app: App
let phone: Browser
let device: Authenticator

const boot = (env: Record<string, string>) => {
  app = new App(env)
  phone = new Browser(app)
  device = new Authenticator()
}
afterEach(() => app.dispose())

/** Status and code. */
const refusal = async (response: Promise<Response>) => {
  const { status, code } = await toRefusal(await response)
  return [status, code]
}

const confirm = (review: Review, passkey?: unknown, by = phone) =>
  by.send('POST', '/api/qr/confirm', { body: { claim: review.claim, ...(passkey === undefined ? {} : { passkey }) } })
const scan = async (by = phone) => by.scan(await new Browser(app).start())
const answer = (review: Review, more: object = {}) =>
  device.get({ ...OURS, ...(review.passkey as PasskeyRequest), ...more })

beforeEach(() => {
  boot({ CONFIRM_POLICY: 'passkey', MATCH_POLICY: 'never' })
})

test('a review has options for the passkeys of the person, and the passkey confirms', async () => {
  await addPasskey(phone, device)
  const review = await scan()
  expect(review.passkey?.allowCredentials.map(({ id }) => id)).toEqual([device.id])
  expect(review.addPasskey).toBeUndefined()
  expect(await refusal(confirm(review))).toEqual([409, 'passkey_required'])
  expect(await (await confirm(review, answer(review))).json()).toMatchObject({ status: 'confirmed' })
})

test('a repeat after a lost response needs no new challenge', async () => {
  await addPasskey(phone, device)
  const review = await scan()
  const passkey = answer(review)
  for (let times = 0; times < 2; times += 1) expect((await confirm(review, passkey)).status).toBe(200)
})

test('a challenge confirms the claim that it was made for, and no other', async () => {
  await addPasskey(phone, device)
  const [first, second] = [await scan(), await scan()]
  expect(await refusal(confirm(second, answer(first)))).toEqual([403, 'passkey_wrong'])
  expect(await refusal(confirm(second, device.get({ ...OURS, ...(await signInRequest(phone)) })))).toEqual([
    403,
    'passkey_wrong',
  ])
  expect((await confirm(second, answer(second))).status).toBe(200)
  expect((await confirm(first, answer(first))).status).toBe(200)
})

test.each([
  ['of another page', { origin: 'https://evil.example' }],
  ['for another site', { rpId: 'evil.example' }],
  ['without the lock of the device', { isVerified: false }],
  ['with a counter that goes backwards', { counter: 0 }],
])('a response %s is refused and counted, and the attempt stays as it is', async (_, wrong) => {
  await addPasskey(phone, device)
  const review = await scan()
  for (let times = 0; times < 10; times += 1) {
    expect(await refusal(confirm(review, answer(review, wrong)))).toEqual([403, 'passkey_wrong'])
  }
  expect(await refusal(confirm(review, answer(review, wrong)))).toEqual([429, 'rate_limited'])
})

test("a removed passkey, and another person's, confirm nothing", async () => {
  const { id } = await addPasskey(phone, device)
  const review = await scan()
  await phone.send('DELETE', `/api/passkeys/${id}`)
  expect(await refusal(confirm(review, answer(review)))).toEqual([403, 'passkey_wrong'])
  const linsPhone = new Browser(app)
  await addPasskey(linsPhone, device, 'lin')
  expect(await refusal(confirm(review, answer(review)))).toEqual([403, 'passkey_wrong'])
})

test('the number, and the time to read, are asked for before the passkey is used', async () => {
  app.dispose()
  boot({ CONFIRM_POLICY: 'passkey', MATCH_POLICY: 'always', CONFIRM_MIN_MS: '700' })
  await addPasskey(phone, device)
  const computer = new Browser(app)
  const attempt = await computer.start()
  const review = await phone.scan(attempt)
  const passkey = answer(review)
  expect(await refusal(confirm(review, passkey))).toEqual([409, 'match_required'])
  await computer.get('POST', `/api/qr/${attempt.id}/match`, { number: review.match.number })
  expect(await refusal(confirm(review, passkey))).toEqual([409, 'too_soon'])
  app.now += 700
  expect((await confirm(review, passkey)).status).toBe(200)
})

test('a person without a passkey may add one, and taps', async () => {
  await phone.signInPhone('ada')
  const review = await scan()
  expect(review).toMatchObject({ addPasskey: 'may' })
  expect(review.passkey).toBeUndefined()
  expect((await confirm(review)).status).toBe(200)
})

test('passkey-always: a person without one adds it, scans again and confirms', async () => {
  app.dispose()
  boot({ CONFIRM_POLICY: 'passkey-always', MATCH_POLICY: 'never' })
  await phone.signInPhone('ada')
  const attempt = await new Browser(app).start()
  const review = await phone.scan(attempt)
  expect(review).toMatchObject({ addPasskey: 'must' })
  expect(await refusal(confirm(review))).toEqual([409, 'passkey_required'])
  const { challenge } = await creationOf(phone)
  await phone.get('POST', '/api/passkeys', { passkey: device.create({ ...OURS, challenge }) })
  const again = await phone.get<Review>('POST', '/api/qr/scan', { code: codeOf(attempt) })
  expect((await confirm(again, answer(again))).status).toBe(200)
})

test('tap: a review has no options, and a given passkey has to be right all the same', async () => {
  app.dispose()
  boot({ MATCH_POLICY: 'never' })
  await addPasskey(phone, device)
  const review = await scan()
  expect(review.passkey).toBeUndefined()
  const wrong = device.get({ ...OURS, ...(await signInRequest(phone)) })
  expect(await refusal(confirm(review, wrong))).toEqual([403, 'passkey_wrong'])
  expect((await confirm(review)).status).toBe(200)
})
