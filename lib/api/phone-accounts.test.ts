import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { App, Browser, refusal } from '../../test/support/app'
import type { Person } from '../core/account/person'

/** Phones that sign in by an endpoint of the team, which is a real server here. */

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const MEI = { id: 'user-1', name: 'Mei Tan', username: 'mei', email: 'mei@example.com', emailVerified: true }

let server: Server
let answer: RequestListener
let requests: number
let app: App
let phone: Browser

beforeEach(async () => {
  requests = 0
  server = createServer((request, response) => {
    requests += 1
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/person`
  app = new App({
    DEMO_ACCOUNTS: 'false',
    ACCOUNTS_VERIFY_URL: url,
    ACCOUNTS_VERIFY_SECRET: SECRET,
    ACCOUNTS_SESSION_URL: url,
    OUTBOUND_ALLOW: '127.0.0.1',
  })
  phone = new Browser(app)
})
afterEach(() => {
  app.dispose()
  server.close().closeAllConnections()
})

const person: RequestListener = (_, response) => {
  response.end(JSON.stringify(MEI))
}
const no: RequestListener = (_, response) => {
  response.writeHead(401).end()
}

const signIn = (username = 'mei', password = 'x') =>
  phone.send('POST', '/api/phone/session', { body: { username, password } })
const signInBySite = () => phone.send('POST', '/api/phone/session', { body: { source: 'site' } })
const sessionOf = (by: Browser) => by.get<{ signedIn: boolean; person?: Person }>('GET', '/api/phone/session')

describe('name and password at the team’s endpoint', () => {
  test('sign the phone in as the person that it answers with', async () => {
    answer = person
    expect((await signIn()).status).toBe(200)
    expect(await sessionOf(phone)).toMatchObject({ signedIn: true, person: { ...MEI, groups: [], avatarUrl: null } })
  })

  test('that it does not know are refused; five tries a minute reach it', async () => {
    answer = no
    const answers = await Promise.all(Array.from({ length: 10 }, () => signIn()))
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(5).fill(401), ...Array(5).fill(429)])
    expect(requests).toBe(5)
  })

  test.each<[string, RequestListener]>([
    ['fails', (_, response) => response.writeHead(500).end()],
    [
      'redirects',
      (request, response) =>
        request.url === '/moved' ? person(request, response) : response.writeHead(302, { Location: '/moved' }).end(),
    ],
    ['answers with 1 MB', (_, response) => response.end(JSON.stringify({ ...MEI, name: 'x'.repeat(1024 * 1024) }))],
    ['answers with another shape', (_, response) => response.end(JSON.stringify({ user: MEI }))],
    ['breaks off', (_, response) => response.destroy()],
  ])('that %s: 503, the phone is not signed in, and no secret is logged', async (_, broken) => {
    const logged: unknown[] = []
    app.context.logError = (error, facts) => logged.push(inspect(error, { depth: 9 }), facts)
    answer = broken
    const refused = await signIn('mei', 'the password')
    expect([await refusal(refused), refused.headers.get('retry-after')]).toEqual([
      { status: 503, code: 'unavailable' },
      '5',
    ])
    expect(await sessionOf(phone)).toEqual({ signedIn: false })
    expect(logged).toHaveLength(2)
    expect(inspect(logged)).not.toMatch(/the password|whsec_|webhook-signature|BwcHBw/)
  })

  test('that does not answer counts no failure of the name', async () => {
    answer = (_, response) => response.writeHead(500).end()
    for (let index = 0; index < 40; index += 1) {
      phone.address = `198.51.100.${index}`
      expect((await signIn()).status).toBe(503)
    }
    answer = person
    expect((await signIn()).status).toBe(200)
  })

  test('of a demo person are never sent to it', async () => {
    answer = person
    app.restart({ DEMO_ACCOUNTS: 'true' })
    expect((await signIn('ada', 'wrong')).status).toBe(401)
    expect((await signIn('ada', 'demo')).status).toBe(200)
    expect(requests).toBe(0)
  })

  test('that never answers: 503 after 3 s', { timeout: 10_000 }, async () => {
    answer = () => {}
    expect(await refusal(await signIn())).toEqual({ status: 503, code: 'unavailable' })
  })
})

describe('the session at the team’s own site', () => {
  test('signs the phone in, by the cookies of the site', async () => {
    answer = (request, response) => (request.headers.cookie === 'sid=theirs' ? person : no)(request, response)
    phone.cookies.set('sid', 'theirs')
    expect((await signInBySite()).status).toBe(200)
    expect((await sessionOf(phone)).person?.id).toBe('user-1')
  })

  test('that does not exist: 401, and the phone is not signed in', async () => {
    answer = no
    phone.cookies.set('sid', 'over')
    expect(await refusal(await signInBySite())).toEqual({ status: 401, code: 'unauthenticated' })
    expect(await sessionOf(phone)).toEqual({ signedIn: false })
  })

  test('is not used for a page of another site', async () => {
    answer = person
    phone.cookies.set('sid', 'theirs')
    const refused = await phone.send('POST', '/api/phone/session', { body: { source: 'site' }, site: 'same-site' })
    expect(await refusal(refused)).toEqual({ status: 403, code: 'cross_site' })
    expect(requests).toBe(0)
  })
})

test('an endpoint on an address that is not listed receives nothing', async () => {
  answer = person
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/person`
  app.dispose()
  app = new App({ ACCOUNTS_VERIFY_URL: url, ACCOUNTS_VERIFY_SECRET: SECRET, DEMO_ACCOUNTS: 'false' })
  phone = new Browser(app)
  expect(await refusal(await signIn())).toEqual({ status: 503, code: 'unavailable' })
  expect(requests).toBe(0)
})

test('without a site in the settings there is no such source', async () => {
  app.dispose()
  app = new App()
  phone = new Browser(app)
  expect(await refusal(await signInBySite())).toEqual({ status: 400, code: 'bad_request' })
})
