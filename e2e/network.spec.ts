import { Wire } from '../test/support/wire'
import { Server } from './support/server'
import { expect, test } from './support/test'

/** Margin for a busy machine. Without the tested behaviour these tests take 25 s or more. */
const BUSY_MS = 3_000

/** In these tests the browsers reach the server through a proxy that can be cut. */
const wired = test.extend<{ wire: Wire }>({
  wire: async ({ server }, use) => {
    const inside = await Server.start({ PUBLIC_ORIGIN: server.origin })
    await server.end()
    const wire = await Wire.open(() => inside.port, { port: server.port })
    await use(wire)
    await wire.close()
    await inside.dispose()
    await server.start()
  },
})

wired('a stream that is cut reconnects, and the missed changes are shown', async ({ wire, computer, phone }) => {
  await computer.openLogin()
  const link = await computer.readCode()
  await phone.open(link)
  await computer.expectState('scanned')
  await phone.expectState('review')
  wire.cut()
  await computer.expectState('reconnecting')
  expect(await computer.codesOnScreen()).toEqual([])
  wire.mend()
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

wired('a valid code stays on the screen while the network is lost', async ({ wire, computer }) => {
  await computer.openLogin()
  const link = await computer.readCode()
  wire.cut()
  await computer.expectState('reconnecting')
  expect(await computer.codesOnScreen()).toEqual([link])
  wire.mend()
  expect(await computer.readCode()).toBe(link)
})

test('where streams fail, the page uses long polling', async ({ computer, phone }) => {
  await computer.page.route('**/events', (route) => route.abort())
  const longPoll = computer.page.waitForRequest(/\?after=1&waitMs=\d+$/)
  await computer.openLogin()
  const link = await computer.readCode()
  await longPoll
  await phone.open(link)
  await computer.expectState('scanned')
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

test('where a proxy buffers the stream, the page falls back to long polling after 3 s', async ({ computer, phone }) => {
  await computer.page.route('**/events', () => {})
  const longPoll = computer.page.waitForRequest(/\?after=1&waitMs=\d+$/, { timeout: BUSY_MS + 5_000 })
  await computer.openLogin()
  const link = await computer.readCode()
  await longPoll
  await phone.open(link)
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

test('where long polls fail too, the page polls', async ({ computer, phone }) => {
  await computer.page.route('**/events', (route) => route.abort())
  await computer.page.route(/waitMs=/, (route) => route.abort())
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await computer.expectState('scanned')
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

test('an offline page shows it, and signs in once it is online again', async ({ computer, phone }) => {
  await computer.openLogin()
  const link = await computer.readCode()
  await computer.page.context().setOffline(true)
  await computer.expectState('offline')
  expect(await computer.codesOnScreen()).toEqual([])
  await phone.open(link)
  await phone.answer('approve')
  await phone.expectState('approved')
  await computer.page.context().setOffline(false)
  await computer.expectSignedIn('Ada Byron')
})

test('a page that was hidden while the phone confirmed is signed in within 3 s after it is shown', async ({
  computer,
  phone,
}) => {
  await computer.openLogin()
  const link = await computer.readCode()
  await computer.setVisibility('hidden')
  let isShown = false
  await computer.page.route('**/api/qr/**', (route) => (isShown ? route.continue() : route.abort()))
  await phone.open(link)
  await phone.answer('approve')
  await phone.expectState('approved')
  isShown = true
  await computer.setVisibility('visible')
  await expect(computer.page.getByTestId('home-greeting')).toContainText('Ada Byron', { timeout: 3_000 + BUSY_MS })
})

test('a page that is hidden for a minute closes its stream, and requests the state when it is shown', async ({
  computer,
}) => {
  await computer.page.clock.install()
  await computer.openLogin()
  const link = await computer.readCode()
  const id = new URL(link).hash.slice(1, 17)
  await computer.setVisibility('hidden')
  await computer.page.clock.fastForward(61_000)
  await expect(computer.page.getByTestId('qr-code')).toHaveCount(0)
  const requested = computer.page.waitForRequest((request) => new URL(request.url()).pathname === `/api/qr/${id}`)
  await computer.setVisibility('visible')
  expect((await requested).method()).toBe('GET')
  expect(await computer.readCode()).toContain(id)
})

test('a page that was hidden for ten minutes while the phone confirmed signs in within 3 s', async ({
  computer,
  phone,
}) => {
  await computer.page.clock.install()
  await computer.openLogin()
  const link = await computer.readCode()
  await phone.open(link)
  await phone.expectState('review')
  await computer.setVisibility('hidden')
  await computer.page.clock.fastForward('10:00')
  await phone.answer('approve')
  await phone.expectState('approved')
  await computer.setVisibility('visible')
  await expect(computer.page.getByTestId('home-greeting')).toContainText('Ada Byron', { timeout: 3_000 + BUSY_MS })
})

for (const [words, skewMs] of [
  ['a day ahead', 86_400_000],
  ['a day behind', -86_400_000],
] as const) {
  test(`a computer whose clock is ${words} shows its code and signs in`, async ({ computer, phone }) => {
    await computer.page.addInitScript((ms) => {
      const now = Date.now
      Date.now = () => now() + ms
    }, skewMs)
    await computer.openLogin()
    const link = await computer.readCode()
    await phone.open(link)
    await computer.expectState('scanned')
    await phone.answer('approve')
    await computer.expectSignedIn('Ada Byron')
  })
}

test('a phone that is offline for 3 s at every step completes the sign-in', async ({ computer, phone }) => {
  const { page } = phone
  /** The request of this step fails, and the network is lost for 3 s. */
  const loseNetwork = async (path: string, step: () => Promise<unknown>) => {
    await page.route(path, (route) => route.abort('internetdisconnected'))
    const requested = page.waitForRequest((request) => request.url().endsWith(path.replace('**', '')))
    await step()
    await requested
    await page.waitForTimeout(3_000)
    await page.unroute(path)
  }
  await computer.openLogin()
  const link = await computer.readCode()
  await loseNetwork('**/api/qr/scan', () => phone.open(link))
  await phone.expectState('review')
  await loseNetwork('**/api/qr/confirm', () => phone.answer('approve'))
  await phone.expectState('approved')
  await computer.expectSignedIn('Ada Byron')
})

test('a sign-in survives a restart of the server after the scan', async ({ computer, phone, server }) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await computer.expectState('scanned')
  await phone.expectState('review')
  await server.end('SIGTERM')
  await server.start()
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

test('a sign-in survives a killed server after the scan', async ({ computer, phone, server }) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await computer.expectState('scanned')
  await phone.expectState('review')
  await server.end('SIGKILL')
  await server.start()
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

wired(
  'restored from the back/forward cache after the confirmation: signed in within 3 s',
  async ({ wire, computer, phone }) => {
    await computer.openLogin()
    const link = await computer.readCode()
    // Simulates the cache: the event, then frozen, then closed connections. (Chromium itself caches
    // no page with `no-store`.)
    const { page } = computer
    const browser = await page.context().newCDPSession(page)
    await page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })))
    await browser.send('Page.setWebLifecycleState', { state: 'frozen' })
    wire.disconnect()
    await phone.open(link)
    await phone.answer('approve')
    await phone.expectState('approved')
    const restoredAt = performance.now()
    const thawed = browser.send('Page.setWebLifecycleState', { state: 'active' })
    // Chromium chooses when to freeze: the page may have signed in already and be navigating.
    await thawed.catch((error: unknown) => expect(String(error)).toMatch(/Not attached to an active page/))
    const shown = page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))
    // If it signed in before the event, this document no longer exists.
    await shown.catch((error: unknown) => expect(String(error)).toMatch(/context was destroyed|navigation/))
    await computer.expectSignedIn('Ada Byron')
    expect(performance.now() - restoredAt).toBeLessThan(3_000 + BUSY_MS)
  },
)

test('a page that completes its sign-in when it is restored from the back/forward cache is not reloaded', async ({
  computer,
  phone,
}) => {
  const { page, server } = computer
  await page.route(`${server.origin}/`, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await route.continue()
  })
  await computer.openLogin()
  const link = await computer.readCode()
  // The page is restored when it has already signed in and is navigating.
  await page.evaluate(() => {
    const dispatch = (name: string) => window.dispatchEvent(new PageTransitionEvent(name, { persisted: true }))
    dispatch('pagehide')
    const { navigation } = window as unknown as { navigation: EventTarget }
    navigation.addEventListener('navigate', () => setTimeout(dispatch, 100, 'pageshow'), { once: true })
  })
  await phone.open(link)
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})
