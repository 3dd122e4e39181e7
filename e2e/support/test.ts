import {
  type BrowserContext,
  test as base,
  devices,
  expect,
  type Locator,
  type Page,
  type Request,
} from '@playwright/test'
import { findMistake, isChecked } from './answers'
import { decodePixels } from './decode'
import { Server, type Settings, until } from './server'

interface Fixtures {
  /** Fails the test whose pages got an answer that is not as the OpenAPI document says. */
  answers: undefined
  /** The computer: a browser context of its own. */
  computer: Computer
  /** The phone: another context, signed in as Ada. */
  phone: Phone
  newComputer: () => Promise<Computer>
  newPhone: (username: string | null) => Promise<Phone>
}

interface WorkerFixtures {
  settings: Settings
  server: Server
}

/** Where pages come from. */
interface Place {
  origin: string
}

/** The computer's browser on the login page. */
export class Computer {
  readonly page: Page
  readonly server: Place

  constructor(page: Page, server: Place) {
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

  /** A code other than `old`: the next period's, or the next attempt's. */
  async readNextCode(old: string): Promise<string> {
    let link = old
    await until(async () => {
      const [found] = await decodePixels(this.panel)
      link = found ?? old
      return link !== old
    })
    return link
  }

  /** Every code that a camera would find on the screen now. */
  async codesOnScreen(): Promise<string[]> {
    return await decodePixels(this.page.locator('body'))
  }

  async see(state: 'hidden' | 'visible'): Promise<void> {
    await seeTab(this.page, state)
  }

  /** The home page of a computer that is signed in. */
  async expectSignedIn(name: string): Promise<void> {
    await expect(this.page.getByTestId('home-greeting')).toContainText(name)
    expect(new URL(this.page.url()).pathname).toBe('/')
  }
}

/** The phone's browser. */
export class Phone {
  readonly page: Page
  readonly server: Place

  constructor(page: Page, server: Place) {
    this.page = page
    this.server = server
  }

  /** So that the account begins with no signed-in computers, whatever ran before. */
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

  /** What the phone's own camera app does with a code: opens its link. */
  async open(link: string): Promise<void> {
    await this.page.goto('about:blank')
    await this.page.goto(link)
  }

  async see(state: 'hidden' | 'visible'): Promise<void> {
    await seeTab(this.page, state)
  }

  async expectState(state: string | RegExp): Promise<void> {
    await expect(this.review).toHaveAttribute('data-state', state)
  }

  /** The number that is to be typed on the computer. */
  async readNumber(): Promise<string> {
    return (await this.page.getByTestId('review-number').innerText()).trim()
  }

  /** What this phone's camera reads off a screen. */
  async readCodeOf(panel: Locator): Promise<string> {
    await expect(panel).toHaveAttribute('data-state', 'ready')
    const [link = ''] = await decodePixels(panel)
    return link
  }

  /** Taps once the guard against accidental taps is over. */
  async answer(button: 'approve' | 'decline'): Promise<void> {
    await this.expectState('review')
    await expect(async () => {
      // On a slow machine the tap before may have been heard after all.
      if ((await this.review.getAttribute('data-state')) !== 'review') return
      await this.page.getByTestId(button).click({ timeout: 1_000 })
      await expect(this.review).not.toHaveAttribute('data-state', 'review', { timeout: 300 })
    }).toPass()
  }
}

/** Hides the tab, or shows it again. */
async function seeTab(page: Page, state: 'hidden' | 'visible'): Promise<void> {
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
      // A request that failed on our side is a failure of the test, whatever the test looked at.
      const failures = server.output.split('\n').filter((line) => /"level":"(error|fatal)"/.test(line))
      await server.dispose()
      expect(failures).toEqual([])
    },
    { scope: 'worker' },
  ],

  answers: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads from the pattern what a fixture depends on
    async ({}, use) => {
      await use(undefined)
      const mistakes = await Promise.all(judged.splice(0))
      seen.length = 0
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

/** The answers to the pages of this test: of each, what is wrong with it. */
const judged: Promise<string | null>[] = []

/** What was judged: method, path, status, and whether the body was there. */
const seen: string[] = []

/** What the pages of this test were answered, as far as it was judged. */
export function judgedAnswers(): readonly string[] {
  return seen
}

async function judge(request: Request): Promise<string | null> {
  const response = await request.response()
  // Answers that a test made up itself came from no server.
  if (response === null || (await response.serverAddr()) === null) return null
  const { pathname, search } = new URL(request.url())
  const headers = new Headers(await response.allHeaders())
  const isJson = /json/.test(headers.get('content-type') ?? '')
  // A page that has gone on takes the bodies with it.
  const body = isJson ? await response.text().catch(() => null) : null
  seen.push(`${request.method()} ${pathname} ${response.status()} ${body !== null}`)
  return findMistake({ method: request.method(), path: pathname + search, status: response.status(), headers, body })
}

/**
 * A page that fails the test when its own script throws, when the content security policy is
 * violated, when it sends a request to another origin, and when the API answers it
 * otherwise than the OpenAPI document says.
 */
export async function watchedPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url())
    const isOwn = request.isNavigationRequest() || origin === new URL(page.url()).origin
    if (!isOwn && protocol !== 'data:' && protocol !== 'blob:') throw new Error(`asks another origin: ${request.url()}`)
  })
  // Once it is complete: nothing has to be waited for, and a stream is judged when it has ended.
  page.on('requestfinished', (request) => {
    const isApi = isChecked(request.url()) && new URL(request.url()).pathname.startsWith('/api/')
    if (isApi) judged.push(judge(request).catch(() => null))
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
