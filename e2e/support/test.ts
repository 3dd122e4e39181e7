import {
  type BrowserContext,
  test as base,
  devices,
  expect,
  type Locator,
  type Page,
  type Request,
} from '@playwright/test'
import { decodePixels } from './decode'
import { findMistake, isChecked } from './response-check'
import { Server, type Settings, until } from './server'

interface Fixtures {
  /** Fails the test if a page received a response that differs from the OpenAPI document. */
  responseCheck: undefined
  /** In its own browser context. */
  computer: Computer
  /** In another context, signed in as Ada. */
  phone: Phone
  newComputer: () => Promise<Computer>
  newPhone: (username: string | null) => Promise<Phone>
}

interface WorkerFixtures {
  settings: Settings
  server: Server
}

interface Site {
  origin: string
}

/** The computer's browser on the login page. */
export class Computer {
  readonly page: Page
  readonly server: Site

  constructor(page: Page, server: Site) {
    this.page = page
    this.server = server
  }

  get panel() {
    return this.page.getByTestId('qr-panel')
  }

  async openLogin(path = '/login'): Promise<void> {
    await this.page.goto(this.server.origin + path)
  }

  async expectState(state: string | RegExp): Promise<void> {
    await expect(this.panel).toHaveAttribute('data-state', state)
  }

  /** The link in the code, decoded from the pixels of the screen. */
  async readCode(): Promise<string> {
    await this.expectState('ready')
    await expect(this.page.getByTestId('qr-code')).toBeVisible()
    const links = await decodePixels(this.panel)
    expect(links).toHaveLength(1)
    return links[0] as string
  }

  /** Waits for another code than `old`: of the next period or the next attempt. */
  async readNextCode(old: string): Promise<string> {
    let link = old
    await until(async () => {
      const [found] = await decodePixels(this.panel)
      link = found ?? old
      return link !== old
    })
    return link
  }

  /** Every code that a camera could read on the screen now. */
  async codesOnScreen(): Promise<string[]> {
    return await decodePixels(this.page.locator('body'))
  }

  async setVisibility(state: 'hidden' | 'visible'): Promise<void> {
    await setVisibility(this.page, state)
  }

  /** Expects the home page of a signed-in computer. */
  async expectSignedIn(name: string): Promise<void> {
    await expect(this.page.getByTestId('home-greeting')).toContainText(name)
    expect(new URL(this.page.url()).pathname).toBe('/')
  }
}

/** The phone's browser. */
export class Phone {
  readonly page: Page
  readonly server: Site

  constructor(page: Page, server: Site) {
    this.page = page
    this.server = server
  }

  /** Signs out all computers of the account, so that earlier tests have no effect. */
  async signOutComputers(): Promise<void> {
    const status = await this.page.evaluate(
      async () => (await fetch('/api/sessions?as=phone', { method: 'DELETE' })).status,
    )
    expect(status).toBe(204)
  }

  get review() {
    return this.page.getByTestId('review')
  }

  async signIn(username: string): Promise<void> {
    await this.page.goto(`${this.server.origin}/phone`)
    await this.page.locator(`[data-testid="demo-account"][data-username="${username}"]`).click()
    await expect(this.page.getByTestId('scan-tile')).toBeVisible()
  }

  /** Opens the link of a code, like a camera app. */
  async open(link: string): Promise<void> {
    await this.page.goto('about:blank')
    await this.page.goto(link)
  }

  async setVisibility(state: 'hidden' | 'visible'): Promise<void> {
    await setVisibility(this.page, state)
  }

  async expectState(state: string | RegExp): Promise<void> {
    await expect(this.review).toHaveAttribute('data-state', state)
  }

  /** The match number. */
  async readNumber(): Promise<string> {
    return (await this.page.getByTestId('review-number').innerText()).trim()
  }

  /** Decodes the code in a panel of another page. */
  async readCodeOf(panel: Locator): Promise<string> {
    await expect(panel).toHaveAttribute('data-state', 'ready')
    const [link = ''] = await decodePixels(panel)
    return link
  }

  /** Taps until the tap counts: taps right after the review appeared are ignored. */
  async answer(button: 'approve' | 'decline'): Promise<void> {
    await this.expectState('review')
    await expect(async () => {
      // On a slow machine the previous tap may have counted after all.
      if ((await this.review.getAttribute('data-state')) !== 'review') return
      await this.page.getByTestId(button).click({ timeout: 1_000 })
      await expect(this.review).not.toHaveAttribute('data-state', 'review', { timeout: 300 })
    }).toPass()
  }
}

/** Simulates a change of the tab's visibility. */
async function setVisibility(page: Page, state: 'hidden' | 'visible'): Promise<void> {
  await page.evaluate((value) => {
    Object.defineProperty(document, 'visibilityState', { value, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, state)
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  settings: [{}, { option: true, scope: 'worker' }],

  server: [
    async ({ settings }, use) => {
      const server = await Server.start(settings)
      await use(server)
      // An unexpected error in the log fails the test.
      const failures = server.output.split('\n').filter((line) => /"level":"(error|fatal)"/.test(line))
      await server.dispose()
      expect(failures).toEqual([])
    },
    { scope: 'worker' },
  ],

  responseCheck: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads dependencies from it
    async ({}, use) => {
      await use(undefined)
      const mistakes = await Promise.all(mistakesFound.splice(0))
      checked.length = 0
      expect(mistakes.filter((mistake) => mistake !== null)).toEqual([])
    },
    { auto: true },
  ],

  newComputer: async ({ browser, server }, use) => {
    const contexts: BrowserContext[] = []
    await use(async () => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
      contexts.push(context)
      return new Computer(await watchedPage(context), server)
    })
    for (const context of contexts) await context.close()
  },

  newPhone: async ({ browser, server }, use) => {
    const contexts: BrowserContext[] = []
    await use(async (username) => {
      const { defaultBrowserType: _, ...iphone } = devices['iPhone 14']
      const context = await browser.newContext(iphone)
      contexts.push(context)
      const phone = new Phone(await watchedPage(context), server)
      if (username !== null) {
        await phone.signIn(username)
        await phone.signOutComputers()
      }
      return phone
    })
    for (const context of contexts) await context.close()
  },

  computer: async ({ newComputer }, use) => use(await newComputer()),
  phone: async ({ newPhone }, use) => use(await newPhone('ada')),
})

/** The mistake in each response to the pages of this test; null for none. */
const mistakesFound: Promise<string | null>[] = []

/** The checked responses: method, path, status, and whether the body was read. */
const checked: string[] = []

/** The checked responses to the pages of this test. */
export function checkedResponses(): readonly string[] {
  return checked
}

async function check(request: Request): Promise<string | null> {
  const response = await request.response()
  // A response that the test itself has fulfilled has no server address.
  if (response === null || (await response.serverAddr()) === null) return null
  const { pathname, search } = new URL(request.url())
  const headers = new Headers(await response.allHeaders())
  const isJson = /json/.test(headers.get('content-type') ?? '')
  // The body is lost if the page has navigated.
  const body = isJson ? await response.text().catch(() => null) : null
  checked.push(`${request.method()} ${pathname} ${response.status()} ${body !== null}`)
  return findMistake({ method: request.method(), path: pathname + search, status: response.status(), headers, body })
}

/**
 * A page that fails the test if its script throws, if it violates the content security policy, if
 * it sends a request to another origin, or if a response differs from the OpenAPI document.
 */
export async function watchedPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url())
    const isOwn = request.isNavigationRequest() || origin === new URL(page.url()).origin
    if (!isOwn && protocol !== 'data:' && protocol !== 'blob:')
      throw new Error(`request to another origin: ${request.url()}`)
  })
  // Checked when it is complete; a stream when it has ended.
  page.on('requestfinished', (request) => {
    const isApi = isChecked(request.url()) && new URL(request.url()).pathname.startsWith('/api/')
    if (isApi) mistakesFound.push(check(request).catch(() => null))
  })
  page.on('pageerror', (error) => {
    throw error
  })
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) throw new Error(message.text())
  })
  return page
}

export { expect, until }
