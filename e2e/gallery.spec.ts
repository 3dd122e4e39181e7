import type { Page } from '@playwright/test'
import { findViolations } from './support/axe'
import { expect, test } from './support/gallery'

// The gallery exists in local mode only.
test.use({ settings: { DEMO: '1' } })
test.describe.configure({ mode: 'parallel', timeout: 300_000 })

const LOCALES = { en: 'en-US', zh: 'zh-CN' }

for (const language of ['en', 'zh'] as const) {
  for (const width of [390, 1280]) {
    test(`axe finds no violation in any state: ${language}, ${width} px, light and dark`, async ({ openGallery }) => {
      const gallery = await openGallery({ viewport: { width, height: 844 }, locale: LOCALES[language] })
      const found: string[] = []
      for (const state of gallery.states) {
        for (const colorScheme of ['light', 'dark'] as const) {
          await gallery.page.emulateMedia({ colorScheme })
          await gallery.show(state)
          const violations = await findViolations(gallery.page)
          found.push(...violations.map((violation) => `${state}, ${colorScheme}: ${violation}`))
        }
      }
      expect(found).toEqual([])
    })
  }
}

/** Elements outside the window, and texts that are wider than their element. */
async function findOverflow(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    const overflowing = [...document.querySelectorAll<HTMLElement>('button, a, label, h1, h2, p, dd, dt, li')].filter(
      (element) => {
        const { left, right, width } = element.getBoundingClientRect()
        if (width <= 1) return false
        const { display, webkitLineClamp } = getComputedStyle(element)
        // Only a long name may be cut, with an ellipsis.
        const mayBeCut = display === 'inline' || webkitLineClamp !== 'none'
        const isTooWide = !mayBeCut && element.scrollWidth > element.clientWidth + 1
        return isTooWide || left < -0.5 || right > innerWidth + 0.5
      },
    )
    const found = overflowing.map((element) => `${element.tagName} ${element.textContent?.slice(0, 40)}`)
    return scrollWidth > clientWidth ? ['the page scrolls horizontally', ...found] : found
  })
}

const NARROW: [string, string, number, string][] = [
  ['320 px, in English', 'en-US', 320, ''],
  ['320 px, in Chinese', 'zh-CN', 320, ''],
  ['320 px, with texts 40 % longer', 'en-US', 320, '?pseudo=1'],
  ['1280 px, with texts 40 % longer', 'en-US', 1280, '?pseudo=1'],
]

for (const [name, locale, width, query] of NARROW) {
  test(`no state overflows its elements or the window: ${name}`, async ({ openGallery }) => {
    // 320 × 256 is 1280 × 1024 at 400 % zoom.
    const gallery = await openGallery({ viewport: { width, height: width === 320 ? 256 : 800 }, locale }, query)
    const found: string[] = []
    for (const state of gallery.states) {
      await gallery.show(state)
      found.push(...(await findOverflow(gallery.page)).map((element) => `${state}: ${element}`))
    }
    expect(found).toEqual([])
  })
}

test('no state moves the frame or the page', async ({ openGallery }) => {
  for (const [locale, width] of [
    ['en-US', 1280],
    ['zh-CN', 1280],
    ['en-US', 800],
    ['en-US', 390],
    ['zh-CN', 320],
  ] as const) {
    const gallery = await openGallery({ viewport: { width, height: 800 }, locale })
    const boxes = new Map<string, string>()
    const states = gallery.states.filter((name) => name.startsWith('login/') && !name.includes('phone'))
    for (const state of states) {
      await gallery.show(state)
      const box = await gallery.page.getByTestId('qr-panel').evaluate((panel) => {
        const { x, y, width: across, height } = panel.getBoundingClientRect()
        return JSON.stringify({ x, y, across, height, page: document.documentElement.scrollHeight })
      })
      boxes.set(state, box)
    }
    expect(boxes.size).toBe(23)
    expect([...new Set(boxes.values())], `${locale} ${width}: ${JSON.stringify([...boxes], null, 1)}`).toHaveLength(1)
  }
})

test('the review fits a small phone without scrolling: the warning, and two buttons of equal size', async ({
  openGallery,
}) => {
  for (const locale of Object.values(LOCALES)) {
    const gallery = await openGallery({ viewport: { width: 360, height: 640 }, locale })
    const { page } = gallery
    const states = gallery.states.filter((name) => name.startsWith('q/review'))
    expect(states).toHaveLength(32)
    for (const state of states) {
      await page.setViewportSize({ width: 360, height: 640 })
      await gallery.show(state)
      const warning = await page.getByText(/scam|诈骗/).boundingBox()
      const decline = await page.getByTestId('decline').boundingBox()
      const primary = page.getByTestId('decline').locator('~ button')
      // Without a passkey where one is required there is nothing to approve with.
      const isAlone = state.includes('browser cannot')
      await expect(primary).toHaveCount(isAlone ? 0 : 1)
      const approve = isAlone ? decline : await primary.boundingBox()
      if (warning === null || decline === null || approve === null) throw new Error(`${state}: an element is missing`)
      expect([state, warning.y + warning.height <= decline.y]).toEqual([state, true])
      expect(decline.y + decline.height).toBeLessThanOrEqual(640)
      expect([decline.width, decline.height, decline.y]).toEqual([approve.width, approve.height, approve.y])
      if (!isAlone) expect(decline.x).toBeLessThan(approve.x)
      await page.setViewportSize({ width: 320, height: 568 })
      await expect(page.getByTestId('decline')).toBeInViewport({ ratio: 1 })
      if (!isAlone) await expect(primary).toBeInViewport({ ratio: 1 })
      await page.getByText(/scam|诈骗/).evaluate((text) => text.scrollIntoView({ block: 'center' }))
      await expect(page.getByText(/scam|诈骗/)).toBeInViewport({ ratio: 1 })
    }
  }
})

test('on a phone every target is at least 44 px high and wide', async ({ openGallery }) => {
  const gallery = await openGallery({ viewport: { width: 390, height: 844 } })
  const small: string[] = []
  for (const state of gallery.states) {
    await gallery.show(state)
    const targets = gallery.page.locator('button, a, label:has(input[type=file]), input:not([type=file])')
    const found = await targets.evaluateAll((all) =>
      all.flatMap((element) => {
        const { width, height } = element.getBoundingClientRect()
        const isSmall = element.checkVisibility() && (width < 44 || height < 44)
        return isSmall ? [`${element.textContent} ${width}×${height}`] : []
      }),
    )
    small.push(...found.map((target) => `${state}: ${target}`))
  }
  expect(small).toEqual([])
})

/** Names and other words that stay the same in every language. */
const NAMES = [
  'qr-login',
  'English',
  'App',
  'HTTPS',
  'Ada Byron',
  'Lin Xia',
  'Sam Okoro',
  'Yuki Tanaka',
  'Maximiliane Wolfeschlegelsteinhausen-Bergerdorff',
  'Northwind Traders',
  'www.northwind-traders.example',
  'lin.xia-of-the-department-of-long-addresses@subdomain.northwind-traders.example',
  'Chrome',
  'Windows',
  'Safari',
  'macOS',
  'iOS',
  'Android',
  'Shanghai',
  'Hangzhou',
  'login.example.com',
  'https://example.org/a/very/long/address?of=a&page',
  '7f3k21q0-5b1d-4c7e',
  // Letters of a short code.
  'WDJB',
  'MJHT',
  'Wiki',
  'wiki.example.com',
  'chat.example.com',
  'Tool',
  'Wolfeschlegelsteinhausen-Bergerdorff documentation and tasks',
  'documents-and-tasks-of-every-team.northwind-traders.example',
  'OpenID Connect',
  'Auth.js',
  'WD',
  'authjs.env',
  'nginx.conf',
  'sign-in.sh',
  'nginx',
  'npm run add-client',
]

test('the Chinese pages have no English words, on screen or in labels', async ({ openGallery }) => {
  const gallery = await openGallery({ viewport: { width: 1280, height: 844 }, locale: 'zh-CN' })
  const left: string[] = []
  for (const state of gallery.states) {
    await gallery.show(state)
    const texts = await gallery.page.evaluate(() => {
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
      const found: string[] = []
      while (walker.nextNode() !== null) {
        if (walker.currentNode.parentElement?.closest('script, style, pre, code') === null)
          found.push(walker.currentNode.nodeValue ?? '')
      }
      const named = document.querySelectorAll('[aria-label], [placeholder], [title], [alt]')
      const names = ['aria-label', 'placeholder', 'title', 'alt']
      return [...found, ...[...named].flatMap((element) => names.map((name) => element.getAttribute(name) ?? ''))]
    })
    for (const text of texts) {
      const rest = NAMES.reduce((words, name) => words.replaceAll(name, ''), text)
      if (/[A-Za-z]{2,}/.test(rest)) left.push(`${state}: ${text}`)
    }
  }
  expect(left).toEqual([])
})

/**
 * The announcement of each state. A screen reader interrupts for an `alert`, not for a `status`.
 */
const ANNOUNCED: Record<string, ['status' | 'alert', string]> = {
  ready: ['status', 'Scan with your phone Point your camera at the code'],
  short_code: [
    'status',
    'Type this code on your phone W D J B, M J H T On your phone, open login.example.com/q and type it',
  ],
  scanned: ['alert', 'Hi, Lin Xia Now tap “Sign in” on your phone'],
  match: ['alert', 'Type the number your phone shows'],
  'match, wrong once': ['alert', "That wasn't it. One try left."],
  confirmed: ['alert', "You're in Taking you home…"],
  denied: ['alert', 'Declined on the phone Nobody was signed in.'],
  mismatch: ['alert', "That wasn't the number We stopped this sign-in to keep you safe."],
  scan_timeout: ['status', 'Not confirmed in time'],
  paused: ['status', 'Code paused We stop making new codes after 10 minutes.'],
  reconnecting: ['status', 'Reconnecting…'],
  offline: ['status', "You're offline We'll pick up where you left off."],
  rate_limited: ['status', 'Too many tries Try again in 1:00.'],
  unavailable: ['status', 'Sign-in is down for a moment Retrying…'],
  error: ['alert', "That didn't work"],
  already: ['status', 'Continue as Lin Xia?'],
  lost_request: ['alert', 'Start again in the app This sign-in has run out, or was begun in another browser.'],
  // Announced after one second, because most codes arrive sooner.
  loading: ['status', 'Getting your code…'],
}

test('each state is announced in one live region, and the other one is empty', async ({ openGallery }) => {
  const gallery = await openGallery({ viewport: { width: 1280, height: 844 }, locale: 'en-US' })
  for (const [state, [region, text]] of Object.entries(ANNOUNCED)) {
    await gallery.show(`login/${state}`)
    const other = region === 'status' ? 'alert' : 'status'
    await expect(gallery.page.locator(`main [role="${region}"]`)).toHaveText(text)
    await expect(gallery.page.locator(`main [role="${other}"]`)).toHaveText('')
  }
})

test('the gallery switches between the themes', async ({ openGallery }) => {
  const { page } = await openGallery({ viewport: { width: 1280, height: 844 }, colorScheme: 'light' })
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--bg'))
  const light = await background()
  await page.getByRole('button', { name: 'dark' }).click()
  expect(await background()).not.toBe(light)
  await page.getByRole('button', { name: 'system' }).click()
  expect(await background()).toBe(light)
})
