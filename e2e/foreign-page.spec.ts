import { type BrowserContext, devices, type Page } from '@playwright/test'
import { withCamera } from '../scripts/browser'
import { Agent } from './support/agent'
import { BareChromium } from './support/bare-chromium'
import { ForeignSite, speculationRules } from './support/foreign-site'
import { freePort, Server } from './support/server'
import { test as base, expect, Phone, until, watchedPage } from './support/test'

/**
 * An attempt of an attacker who wants to learn who the victim is, or to be signed in as the victim.
 */
class Attacker {
  readonly #agent: Agent
  readonly id: string
  readonly link: string

  private constructor(agent: Agent, id: string, link: string) {
    this.#agent = agent
    this.id = id
    this.link = link
  }

  static async start(server: Server, publicOrigin = server.origin): Promise<Attacker> {
    const agent = new Agent(server.origin, publicOrigin)
    const { status, json } = await agent.send('POST', '/api/qr', {})
    expect(status).toBe(201)
    return new Attacker(agent, json.id, json.code.url)
  }

  async readStatus(): Promise<string> {
    const { json } = await this.#agent.send('GET', `/api/qr/${this.id}`)
    return json.status
  }
}

/** The victim's signed-in phone. Records every request of its browser. */
class Victim {
  readonly context: BrowserContext
  readonly scans: string[] = []
  readonly requests: string[] = []

  constructor(context: BrowserContext) {
    this.context = context
    context.on('request', (request) => {
      const { pathname } = new URL(request.url())
      this.requests.push(`${request.method()} ${pathname}`)
      if (pathname === '/api/qr/scan') this.scans.push(request.postData() ?? '')
    })
  }
}

interface Fixtures {
  foreign: ForeignSite
  victim: Victim
  phone: Phone
}

const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: this fixture needs no other
  foreign: async ({}, use) => {
    const foreign = await ForeignSite.start()
    await use(foreign)
    await foreign.dispose()
  },

  phone: async ({ newPhone }, use) => use(await newPhone('ada')),

  victim: async ({ phone }, use) => use(new Victim(phone.page.context())),
})

/** Waits until our page has done whatever it does on load. */
async function expectSettled(page: Page): Promise<void> {
  const review = page.getByTestId('review')
  await expect(review).toHaveAttribute('data-state', /opened|review/)
  // The button is enabled once the script has run for a while.
  if ((await review.getAttribute('data-state')) === 'opened') await expect(page.getByTestId('continue')).toBeEnabled()
}

/** No scan was sent for the attacker's code. The page names the account and offers "Continue". */
async function expectOpened(page: Page, victim: Victim, attacker: Attacker): Promise<void> {
  await expectSettled(page)
  expect(await attacker.readStatus()).toBe('pending')
  expect(victim.scans).toEqual([])
  await expect(page.getByTestId('review')).toHaveAttribute('data-state', 'opened')
  await expect(page.getByTestId('review')).toContainText('Continue as Ada Byron?')
}

async function expectScanAfterTap(page: Page, attacker: Attacker): Promise<void> {
  await page.getByRole('button', { name: 'Continue' }).click()
  await expect(page.getByTestId('review')).toHaveAttribute('data-state', 'review')
  expect(await attacker.readStatus()).toBe('scanned')
}

for (const way of ['/location', '/replace', '/refresh', '/redirected', '/form']) {
  test(`a foreign page that navigates to /q causes no scan before a tap: ${way}`, async ({
    phone,
    victim,
    foreign,
    server,
  }) => {
    const attacker = await Attacker.start(server)
    await phone.page.goto(foreign.page(way, attacker.link))
    await expectOpened(phone.page, victim, attacker)
    expect(victim.requests.filter((request) => request.includes('/api/account'))).toEqual([])
    await expectScanAfterTap(phone.page, attacker)
  })
}

for (const way of ['/window', '/target']) {
  test(`a window that a foreign page opens causes no scan before a tap: ${way}`, async ({
    phone,
    victim,
    foreign,
    server,
  }) => {
    const attacker = await Attacker.start(server)
    const opened = victim.context.waitForEvent('page')
    await phone.page.goto(foreign.page(way, attacker.link))
    const popup = await opened
    await expectOpened(popup, victim, attacker)
    await expectScanAfterTap(popup, attacker)
  })
}

test('/q in a frame of a foreign page shows nothing and scans nothing', async ({ phone, victim, foreign, server }) => {
  const attacker = await Attacker.start(server)
  // Not a watched page: the browser logs that our policy refuses the frame.
  const page = await victim.context.newPage()
  await page.goto(foreign.page('/frame', attacker.link))
  await page.waitForLoadState('networkidle')
  expect(await page.frames().at(-1)?.content()).not.toContain('data-testid')
  expect([await attacker.readStatus(), victim.scans]).toEqual(['pending', []])
  await phone.page.bringToFront()
})

test('neither a reload nor a step back in the history replaces the tap', async ({ phone, victim, foreign, server }) => {
  const attacker = await Attacker.start(server)
  const { page } = phone
  await page.goto(foreign.page('/location', attacker.link))
  await expectOpened(page, victim, attacker)
  await page.reload()
  await expectOpened(page, victim, attacker)
  // A reload by the page's own script is a same-origin request.
  await Promise.all([page.waitForEvent('load'), page.evaluate(() => location.reload())])
  await expectOpened(page, victim, attacker)
  await page.goto(foreign.page('/back'))
  await page.waitForURL(`${server.origin}/**`)
  await expectOpened(page, victim, attacker)
})

for (const way of ['/prerender', '/prefetch']) {
  test(`a foreign page that prefetches or prerenders /q causes no scan: ${way}`, async ({
    phone,
    victim,
    foreign,
    server,
  }) => {
    const attacker = await Attacker.start(server)
    await phone.page.goto(foreign.page(way, attacker.link))
    await phone.page.waitForLoadState('networkidle')
    expect([await attacker.readStatus(), victim.scans]).toEqual(['pending', []])
    await phone.page.getByRole('link').click()
    await expectOpened(phone.page, victim, attacker)
    await expectScanAfterTap(phone.page, attacker)
  })
}

/** A script that makes our page prerender another one, and adds a link to it. */
const prerender = (url: string) => `(() => {
  const { nonce } = document.querySelector('script[nonce]')
  const script = document.createElement('script')
  Object.assign(script, { type: 'speculationrules', nonce, text: ${JSON.stringify(speculationRules(url))} })
  const link = document.createElement('a')
  Object.assign(link, { href: ${JSON.stringify(url)}, id: 'prerendered' })
  document.body.append(script, link)
})()`

const prerendering = test.extend<{ chromium: BareChromium }>({
  chromium: async ({ launchOptions, server }, use) => {
    const chromium = await BareChromium.start(launchOptions)
    await chromium.goto(`${server.origin}/phone`, `document.querySelector('[data-username="ada"]:enabled') !== null`)
    await chromium.evaluate(`document.querySelector('[data-username="ada"]').click()`)
    await until(() => chromium.evaluate(`document.querySelector('[data-testid="scan-tile"]') !== null`))
    await use(chromium)
    await chromium.dispose()
  },
})

prerendering(
  '/q prerendered by our own page scans nothing, before it is shown and after',
  async ({ chromium, server }) => {
    const attacker = await Attacker.start(server)
    await chromium.evaluate(prerender(attacker.link))
    const rest = `document.querySelector('[data-state="review"], [data-testid="continue"]:enabled') !== null`
    await until(() => chromium.evaluateInPrerendered(rest))
    expect(await chromium.evaluateInPrerendered('document.prerendering')).toBe(true)
    expect(await attacker.readStatus()).toBe('pending')

    await chromium.evaluate(`document.querySelector('#prerendered').click()`)
    chromium.activate()
    await until(() => chromium.evaluate('!document.prerendering'))
    expect(await chromium.evaluate(`performance.getEntriesByType('navigation')[0].activationStart`)).toBeGreaterThan(0)
    const readState = () => chromium.evaluate(`document.querySelector('[data-testid="review"]').dataset.state`)
    expect([await readState(), await attacker.readStatus()]).toEqual(['opened', 'pending'])
    // Clicks right after the window gets the focus are ignored: they may be meant for another
    // window.
    await until(async () => {
      await chromium.evaluate(`document.querySelector('[data-testid="continue"]')?.click()`)
      return (await readState()) === 'review'
    })
    expect(await attacker.readStatus()).toBe('scanned')
  },
)

prerendering('a prerendered login page starts no attempt before it is shown', async ({ chromium, server }) => {
  const starts = `performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/api/qr')).length`
  await chromium.evaluate(prerender(`${server.origin}/login`))
  // The script has run.
  await until(() =>
    chromium.evaluateInPrerendered(`document.querySelector('[data-testid="language"]:enabled') !== null`),
  )
  expect(await chromium.evaluateInPrerendered(`[document.prerendering, ${starts}]`)).toEqual([true, 0])
  await chromium.evaluate(`document.querySelector('#prerendered').click()`)
  chromium.activate()
  await until(() => chromium.evaluate(`document.querySelector('[data-testid="qr-code"]') !== null`))
  expect(await chromium.evaluate(starts)).toBe(1)
})

test('a sign-in on the page does not replace the tap for a code of a foreign page', async ({
  newPhone,
  foreign,
  server,
}) => {
  const attacker = await Attacker.start(server)
  const { page } = await newPhone(null)
  const victim = new Victim(page.context())
  await page.goto(foreign.page('/location', attacker.link))
  await expect(page.getByTestId('review')).toHaveAttribute('data-state', 'needs_sign_in')
  await page.locator('[data-testid="demo-account"][data-username="ada"]').click()
  await expectOpened(page, victim, attacker)
  await expectScanAfterTap(page, attacker)
})

test('the login page does not redirect to /q or the scanner, in any spelling', async ({
  phone,
  victim,
  foreign,
  server,
}) => {
  const attacker = await Attacker.start(server)
  const { page } = phone
  // The same browser is also a signed-in computer.
  await until(() =>
    page.evaluate(async () => {
      const post = async (path: string, body: object) => {
        const headers = { 'Content-Type': 'application/json' }
        return await (await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })).json()
      }
      const { id, code } = await post('/api/qr', {})
      const { claim } = await post('/api/qr/scan', { code: new URL(code.url).hash.slice(1) })
      let status = ''
      while (status !== 'confirmed') status = (await post('/api/qr/confirm', { claim })).status
      const { ticket } = await (await fetch(`/api/qr/${id}`)).json()
      return 'session' in (await post(`/api/qr/${id}/redeem`, { ticket }))
    }),
  )
  victim.scans.length = 0
  const { hash } = new URL(attacker.link)
  for (const path of [`/q${hash}`, `/q/${hash}`, `/%71${hash}`, `/x/../q${hash}`, `//q${hash}`, '/phone/scan']) {
    await page.goto(foreign.page('/location', `${server.origin}/login?next=${encodeURIComponent(path)}`))
    await page.getByRole('button', { name: 'Show the code anyway' }).click()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.waitForURL((url) => url.pathname !== '/login' || url.hostname === 'q')
    await page.waitForLoadState('networkidle')
    expect([path, new URL(page.url()).pathname]).toEqual([path, '/'])
  }
  expect([await attacker.readStatus(), victim.scans]).toEqual(['pending', []])
})

test('a code that the person opened is scanned without a tap: an external app, a reload, our scanner', async ({
  phone,
  victim,
  server,
}) => {
  const { page } = phone
  const first = await Attacker.start(server)
  await page.goto(first.link)
  await phone.expectState('review')
  expect(await first.readStatus()).toBe('scanned')
  await page.reload()
  await phone.expectState('review')
  const second = await Attacker.start(server)
  await page.goto(`${server.origin}/phone/scan`)
  await page.getByTestId('paste-link').fill(second.link)
  await page.keyboard.press('Enter')
  await page.waitForURL('**/q**')
  await phone.expectState('review')
  expect(await second.readStatus()).toBe('scanned')
  expect(victim.scans).toHaveLength(3)
})

test("the server's HTML already has the state, by the request headers", async ({ phone, server }) => {
  const cookies = await phone.page.context().cookies()
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
  const readState = async (headers: Record<string, string>) => {
    const html = await (await fetch(`${server.origin}/q`, { headers: { Cookie: cookie, ...headers } })).text()
    return /data-testid="review" data-state="(\w+)"/.exec(html)?.[1]
  }
  for (const site of ['none', 'same-origin']) {
    expect([site, await readState({ 'Sec-Fetch-Site': site })]).toEqual([site, 'checking'])
    for (const [name, value] of [
      ['Sec-Purpose', 'prefetch'],
      ['Sec-Purpose', 'prefetch;prerender'],
      ['Purpose', 'prefetch'],
    ] as const) {
      expect(await readState({ 'Sec-Fetch-Site': site, [name]: value })).toBe('opened')
    }
  }
  for (const site of ['cross-site', 'same-site', 'x'])
    expect(await readState({ 'Sec-Fetch-Site': site })).toBe('opened')
  expect(await readState({})).toBe('opened')
  expect(await readState({ Cookie: '', 'Sec-Fetch-Site': 'cross-site' })).toBe('needs_sign_in')
})

test('switching the language does not replace the tap, and keeps the code', async ({
  phone,
  victim,
  foreign,
  server,
}) => {
  const attacker = await Attacker.start(server)
  const { page } = phone
  await page.goto(foreign.page('/location', attacker.link))
  await expectOpened(page, victim, attacker)
  await page.getByTestId('language').click()
  await expect(page.getByTestId('review')).toContainText('用 Ada Byron 的账号继续？')
  await expectSettled(page)
  expect([await attacker.readStatus(), victim.scans]).toEqual(['pending', []])
  await page.getByRole('button', { name: '继续' }).click()
  await phone.expectState('review')
})

/** A separate browser, for command-line flags. */
const withBrowser = test.extend<{ newContext: (args: string[], camera?: boolean) => Promise<BrowserContext> }>({
  newContext: async ({ playwright, launchOptions }, use) => {
    const browsers: { close: () => Promise<void> }[] = []
    await use(async (args, camera = false) => {
      const browser = await playwright.chromium.launch({
        ...launchOptions,
        ...(camera ? withCamera() : {}),
        args: [...(launchOptions.args ?? []), ...args],
      })
      browsers.push(browser)
      const { defaultBrowserType: _, ...iphone } = devices['iPhone 14']
      return await browser.newContext({ ...iphone, permissions: camera ? ['camera'] : [] })
    })
    for (const browser of browsers) await browser.close()
  },
})

/**
 * A server on plain http under a name of the local network. There, browsers send no
 * `Sec-Fetch-Site` header.
 */
const onLan = withBrowser.extend<{ lan: { server: Server; origin: string; page: Page; victim: Victim } }>({
  lan: async ({ newContext }, use) => {
    const port = await freePort()
    const origin = `http://phone:${port}`
    const server = new Server(port, { PUBLIC_ORIGIN: origin })
    await server.start()
    const context = await newContext(['--host-resolver-rules=MAP phone 127.0.0.1'])
    const page = await watchedPage(context)
    await new Phone(page, { origin }).signIn('ada')
    await use({ server, origin, page, victim: new Victim(context) })
    await server.dispose()
  },
})

onLan('over http on a local network every code needs a tap', async ({ lan }) => {
  const attacker = await Attacker.start(lan.server, lan.origin)
  await lan.page.goto(attacker.link)
  await expectOpened(lan.page, lan.victim, attacker)
  await expectScanAfterTap(lan.page, attacker)
})

onLan(
  'a new code set through a window handle needs a tap, even after an earlier one',
  async ({ lan: { server, origin, page, victim }, foreign }) => {
    const own = await Attacker.start(server, origin)
    const attacker = await Attacker.start(server, origin)
    const opened = victim.context.waitForEvent('page')
    // Over http `Cross-Origin-Opener-Policy` has no effect.
    await page.goto(foreign.page('/window', own.link))
    const popup = await opened
    await expectSettled(popup)
    if (await popup.getByTestId('continue').isVisible()) await expectScanAfterTap(popup, own)
    await expect(popup.getByTestId('review')).toHaveAttribute('data-state', 'review')
    victim.scans.length = 0
    await page.evaluate((link) => {
      const { handle } = window as unknown as { handle: Window }
      handle.location = link
    }, attacker.link)
    await popup.waitForURL((url) => url.hash.endsWith(new URL(attacker.link).hash.slice(1)))
    await expectOpened(popup, victim, attacker)
    await expectScanAfterTap(popup, attacker)
  },
)

test('on localhost a foreign page has no handle to a window of ours', async ({ phone, victim, foreign, server }) => {
  const own = await Attacker.start(server)
  const attacker = await Attacker.start(server)
  const opened = victim.context.waitForEvent('page')
  await phone.page.goto(foreign.page('/window', own.link))
  const popup = await opened
  await expect(popup.getByTestId('review')).toHaveAttribute('data-state', /opened|review/)
  expect(await phone.page.evaluate(() => (window as unknown as { handle: Window }).handle.closed)).toBe(true)
  await phone.page.evaluate((link) => {
    const { handle } = window as unknown as { handle: Window }
    handle.location = link
  }, attacker.link)
  await expectSettled(popup)
  expect(await attacker.readStatus()).toBe('pending')
})

withBrowser(
  'the camera starts automatically after a tap in our app, not when a foreign page opens the scanner',
  async ({ newContext, foreign, server }) => {
    const context = await newContext(['--use-fake-device-for-media-stream'], true)
    const page = await watchedPage(context)
    await new Phone(page, server).signIn('ada')
    const scanner = page.getByTestId('scanner')
    await page.getByTestId('scan-tile').click()
    await expect(scanner).toHaveAttribute('data-state', 'scanning')
    await page.goto(foreign.page('/location', `${server.origin}/phone/scan`))
    // The script has run, and would have started the camera.
    await expect(page.getByRole('button', { name: 'Open' })).toBeEnabled()
    await page.waitForLoadState('networkidle')
    await expect(scanner).toHaveAttribute('data-state', 'primer')
    await page.getByTestId('use-camera').click()
    await expect(scanner).toHaveAttribute('data-state', 'scanning')
  },
)
