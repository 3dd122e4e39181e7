import { devices } from '@playwright/test'
import { AppDeployment } from './support/app-deployment'
import { hasCaddy } from './support/app-proxies'
import { hasNginx, Nginx } from './support/nginx'
import { freePort } from './support/server'
import { NAVIGATION, SiteClient } from './support/site-client'
import { Computer, expect, Phone, test, until, watchedPage } from './support/test'

/** Apps behind the real nginx and the real Caddy, with the configurations that the guide gives. */

test.describe.configure({ mode: 'serial' })
test.skip((!hasNginx() || !hasCaddy()) && !process.env.CI, 'nginx or caddy is not available')

const FILES = [
  'deploy/forward-auth/nginx.conf',
  'docs/guides/apps/snippets/nginx.conf',
  'deploy/forward-auth/Caddyfile',
  'docs/guides/apps/snippets/Caddyfile',
] as const

/** Where the sign-in must not lead. The first ones are tried at every proxy. */
const HOSTILE = [
  'https://evil.example/',
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '/%09/evil.example',
  '/%0a/evil.example',
  '/%0d%0aLocation:%20https://evil.example',
  '/.//evil.example',
  '/a/..//evil.example',
  'javascript:alert(1)',
  'data:text/html,a',
  '@evil.example',
  '.evil.example',
  ':443@evil.example',
  '%2F%2Fevil.example',
  '/%2F%2Fevil.example',
  'http:evil.example',
  'https:/evil.example',
  '/.qr-login/start?return=//evil.example',
  '%E2%80%AE//evil.example',
  '',
  '%00//evil.example',
]
const TRIED_EVERYWHERE = 5

let deployment: AppDeployment
/** Our own origin. */
let ours: string
let phone: SiteClient
/** A browser that is signed in at our origin and at each app. */
let browser: SiteClient

test.beforeAll(async () => {
  deployment = await AppDeployment.start(FILES)
  ours = deployment.origin
  phone = await deployment.newPhone('ada')
  browser = await deployment.newBrowser(phone)
})

test.afterAll(async () => {
  expect(await deployment.stop()).not.toMatch(/\[(warn|emerg)\]/)
})

for (const file of ['deploy/forward-auth/nginx.conf', 'deploy/forward-auth/Caddyfile'] as const) {
  test(`${file}: a person signs in with the phone, and a sign-out on the phone is final`, async ({
    browser: chromium,
  }) => {
    const desk = await chromium.newContext({ viewport: { width: 1280, height: 800 }, ignoreHTTPSErrors: true })
    const { defaultBrowserType: _, ...iphone } = devices['iPhone 14']
    const hand = await chromium.newContext({ ...iphone, ignoreHTTPSErrors: true })
    const computer = new Computer(await desk.newPage(), { origin: ours })
    const lin = new Phone(await watchedPage(hand), { origin: ours })
    await lin.signIn('lin')
    const address = `${deployment.originOf(file)}/page/1?q=%C3%BC&r=a%20b`
    await computer.page.goto(address)
    expect(new URL(computer.page.url()).origin).toBe(ours)
    await lin.open(await computer.readCode())
    await lin.answer('approve')
    await expect(computer.page.locator('h1')).toHaveText('lin')
    expect(computer.page.url()).toBe(address)
    // Another app needs no scan.
    const other = deployment.originOf(FILES.find((each) => each !== file) ?? '')
    await computer.page.goto(other)
    await expect(computer.page.locator('h1')).toHaveText('lin')
    const statusOfFetch = () => computer.page.evaluate(async () => (await fetch('/data')).status)
    expect(await statusOfFetch()).toBe(200)
    await lin.signOutComputers()
    expect(await statusOfFetch()).toBe(401)
    await computer.page.goto(address)
    await computer.expectState('ready')
    await desk.close()
    await hand.close()
  })
}

for (const file of FILES) {
  test.describe(file, () => {
    let origin: string
    test.beforeAll(() => {
      origin = deployment.originOf(file)
    })

    test('without a session a page leads to the sign-in, and anything else is 401', async () => {
      const nobody = new SiteClient()
      const got = await deployment.receivedBy(async () => {
        const page = await nobody.send(`${origin}/a?b=c`)
        expect([page.status, page.location]).toEqual([302, `${origin}/.qr-login/start?return=%2Fa%3Fb%3Dc`])
        const fetched = ['Accept', 'text/html', 'Sec-Fetch-Mode', 'cors']
        const form = [...NAVIGATION, 'Content-Type', 'application/x-www-form-urlencoded']
        const socket = ['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Version', '13']
        for (const [method, headers, body] of [
          ['GET', fetched, ''],
          ['GET', [], ''],
          ['POST', form, 'a=b'],
          ['PUT', fetched, '{}'],
          ['DELETE', [], ''],
          ['GET', socket, ''],
        ] as const) {
          expect((await nobody.send(`${origin}/a`, { method, headers, body })).status).toBe(401)
        }
      })
      expect(got).toEqual([])
    })

    test('nothing that a client sends under the names of the proxy reaches the app', async () => {
      const names = 'Remote-User remote-user REMOTE-USER Remote_User remote_user Remote-Groups Remote_Groups'
      const more = 'Remote-Name Remote-Email REMOTE_EMAIL X-Forwarded-User x-forwarded-groups X-Forwarded-Email'
      const forwarded = 'X-Forwarded-Host X-Forwarded-Uri X-Forwarded-Method X-Forwarded-Proto X-Forwarded-For'
      const others = 'X-Forwarded-Prefix X_Forwarded_Host Forwarded X-Real-IP'
      const all = [names, more, forwarded, others].flatMap((line) => line.split(' '))
      const spoofed = [...all, ...all].flatMap((name) => [name, 'spoofed'])
      const got = await deployment.receivedBy(async () => {
        for (const [method, body] of [
          ['GET', ''],
          ['POST', 'a=b'],
        ] as const) {
          const headers = [...NAVIGATION, 'Content-Type', 'text/plain', ...spoofed]
          expect((await browser.send(`${origin}/a`, { method, headers, body })).status).toBe(200)
        }
        expect((await new SiteClient().send(`${origin}/a`, { headers: [...NAVIGATION, ...spoofed] })).status).toBe(302)
      })
      expect(got).toHaveLength(2)
      for (const { headers } of got) {
        expect(JSON.stringify(headers)).not.toMatch(/spoofed|\{http\./)
        const identity = headers
          .filter(([name]) => /^remote[-_]/i.test(name))
          .map(([name, value]) => [name.toLowerCase(), value])
        expect(identity.sort()).toEqual([
          ['remote-email', 'ada@example.com'],
          ['remote-groups', 'admins'],
          ['remote-name', 'Ada Byron'],
          ['remote-user', 'ada'],
        ])
      }
    })

    test('a client cannot have the identity removed on its way', async () => {
      const values = ['Remote-User', 'close, remote-user', 'Remote-User, X-Forwarded-Host, Cookie']
      const statuses: number[] = []
      const got = await deployment.receivedBy(async () => {
        for (const value of values) {
          const headers = [...NAVIGATION, 'Connection', value]
          statuses.push((await browser.send(`${origin}/a`, { headers })).status)
        }
      })
      // Caddy would remove the fields, so its file refuses such requests. nginx removes none.
      const [status, count] = file.endsWith('Caddyfile') ? [400, 0] : [200, values.length]
      expect([statuses, got.length]).toEqual([values.map(() => status), count])
      for (const { headers } of got) expect(headers.filter(([name]) => /^remote-user$/i.test(name))).toHaveLength(1)
    })

    test('an empty value reaches the app as empty or not at all', async () => {
      const sam = await deployment.newBrowser(await deployment.newPhone('sam'))
      const [got] = await deployment.receivedBy(() => sam.send(`${origin}/`))
      expect(got?.headers.find(([name]) => /^remote-groups$/i.test(name))?.[1] ?? '').toBe('')
    })

    test('a WebSocket passes with a session', async () => {
      const headers = ['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Version', '13']
      const { status } = await browser.send(`${origin}/socket`, { headers })
      // The snippet of nginx leaves WebSockets out.
      expect(status).toBe(file === 'docs/guides/apps/snippets/nginx.conf' ? 200 : 101)
    })

    test('no path leads past the check', async () => {
      const nobody = new SiteClient()
      const got = await deployment.receivedBy(async () => {
        for (const path of [
          '/.qr-login/../a',
          '/.qr-login/%2e%2e/a',
          '/.qr-login%2f..%2fa',
          '/.qr-login/..;/a',
          '//.qr-login/start/../../a',
          '/.QR-LOGIN/start',
          '/.qr-login',
          '/.qr-login/',
          '/.qr-login/authz',
          '/.qr-login/authz/../a',
          '/.qr-login/callback',
          '/authz/request',
          '/a/.qr-login/start',
        ]) {
          const { status, location } = await nobody.send(origin + path)
          expect(status).toBeGreaterThanOrEqual(300)
          if (location !== '') expect([origin, ours]).toContain(new URL(location, origin).origin)
        }
        // Nothing of ours is there but what apps need.
        for (const path of ['/.qr-login/../api/session', '/api/session', '/.qr-login/%2e%2e/api/session'])
          expect((await nobody.send(origin + path)).text).not.toContain('signedIn')
      })
      expect(got).toEqual([])
    })

    test('the address with the code works in the browser that asked, and in no other one', async () => {
      const other = new SiteClient()
      const { location: start } = await browser.send(`${origin}/.qr-login/start?return=/mine`)
      const { location: callback } = await browser.send(start)
      expect(callback).toMatch(`${origin}/.qr-login/callback?code=`)
      await other.send(`${origin}/.qr-login/start`)
      expect((await other.send(callback)).location).toBe(`${ours}/authz/lost`)
      expect((await other.send(`${origin}/`)).status).toBe(302)
      expect((await browser.send(callback)).location).toBe(`${ours}/authz/lost`)
    })

    test('hostile values never lead elsewhere', async () => {
      const values = file === FILES[0] ? HOSTILE : HOSTILE.slice(0, TRIED_EVERYWHERE)
      let redirects = 0
      for (const value of values) {
        for (const query of [
          `return=${value}`,
          `return=${encodeURIComponent(value)}`,
          `return=/&return=${value}`,
          `rd=${value}`,
        ]) {
          const { location: start } = await browser.send(`${origin}/.qr-login/start?${query}`)
          if (start === '') continue
          redirects += 1
          expect(new URL(start).origin).toBe(ours)
          const { location: callback } = await browser.send(start)
          expect(new URL(callback).origin).toBe(origin)
          const { location: end } = await browser.send(`${callback}&${query}`)
          expect([origin, ours]).toContain(new URL(end).origin)
        }
        const { location } = await browser.send(`${origin}/.qr-login/callback?code=${value}&return=${value}`)
        if (location !== '') expect(location).toBe(`${ours}/authz/lost`)
      }
      expect(redirects).toBeGreaterThan(values.length * 4 * 0.9)
    })

    test('a sign-out at the app signs the computer out', async () => {
      const client = await deployment.newBrowser(phone)
      const url = `${origin}/.qr-login/sign-out`
      const foreign = await client.send(url, { method: 'POST', headers: ['Sec-Fetch-Site', 'cross-site'] })
      expect([foreign.status, (await client.send(`${origin}/`)).status]).toEqual([403, 200])
      const own = await client.send(url, { method: 'POST', headers: ['Sec-Fetch-Site', 'same-origin'] })
      expect(own.status).toBe(204)
      for (const { host } of deployment.apps) expect((await client.send(`https://${host}/`)).status).toBe(302)
      expect(await client.call('GET', `${ours}/api/session`)).toEqual({ signedIn: false })
    })
  })
}

test('a peer that is not a trusted proxy is refused, and one log line names the setting', async () => {
  const client = new SiteClient()
  const port = await freePort()
  const foreign = Nginx.start({
    port,
    instances: [deployment.server.port],
    more: `proxy_bind 127.0.0.3; proxy_set_header X-Forwarded-Uri /; `,
    without: ['proxy_set_header X-Forwarded-Host', 'proxy_set_header X-Forwarded-Proto'],
  })
  const origin = `https://127.0.0.1:${port}`
  await until(async () => (await client.send(`${origin}/api/health/ready`).catch(() => null))?.status === 200)
  const { host = '' } = deployment.apps[0] ?? {}
  const cookie = [...(browser.cookies.get(host) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
  const headers = ['X-Forwarded-Host', host, 'X-Forwarded-Proto', 'https', 'Cookie', cookie]
  const response = await client.send(`${origin}/authz/request`, { headers })
  expect([response.status, response.headers['remote-user']]).toEqual([403, undefined])
  await foreign.stop()
  expect(deployment.server.output).toContain('FORWARD_AUTH_HOSTS: a peer that is not in TRUSTED_PROXIES')
})

test('without qr-login nothing passes', async () => {
  const got = await deployment.receivedBy(async () => {
    await deployment.server.end()
    for (const { host } of deployment.apps)
      expect((await browser.send(`https://${host}/`)).status).toBeGreaterThanOrEqual(500)
  })
  expect(got).toEqual([])
})
