import { Wire } from '../test/support/wire'
import { Server } from './support/server'
import { expect, test } from './support/test'

/** What a busy machine adds to what is promised. Without the promised part it takes 25 s and more. */
const BUSY_MS = 3_000

/** The browsers of these tests reach the server through a wire that can be cut. */
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

wired('a stream that is cut is resumed, and what was missed is shown', async ({ wire, computer, phone }) => {
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

wired('a code stays while it is good and the network is not', async ({ wire, computer }) => {
  await computer.openLogin()
  const link = await computer.readCode()
  wire.cut()
  await computer.expectState('reconnecting')
  expect(await computer.codesOnScreen()).toEqual([link])
  wire.mend()
  expect(await computer.readCode()).toBe(link)
})

test('where streams do not get through, the state is asked by long poll', async ({ computer, phone }) => {
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

test('where a proxy holds the stream back, it is noticed within 3 s', async ({ computer, phone }) => {
  await computer.page.route('**/events', () => {})
  const longPoll = computer.page.waitForRequest(/\?after=1&waitMs=\d+$/, { timeout: BUSY_MS + 5_000 })
  await computer.openLogin()
  const link = await computer.readCode()
  await longPoll
  await phone.open(link)
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

test('where long polls do not get through either, the state is asked every 2 s', async ({ computer, phone }) => {
  await computer.page.route('**/events', (route) => route.abort())
  await computer.page.route(/waitMs=/, (route) => route.abort())
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await computer.expectState('scanned')
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

test('being offline is said, and being back is noticed', async ({ computer, phone }) => {
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

test('a page that was hidden while the phone confirmed is signed in within 3 s of being seen again', async ({
  computer,
  phone,
}) => {
  await computer.openLogin()
  const link = await computer.readCode()
  await computer.see('hidden')
  let isSeen = false
  await computer.page.route('**/api/qr/**', (route) => (isSeen ? route.continue() : route.abort()))
  await phone.open(link)
  await phone.answer('approve')
  await phone.expectState('approved')
  isSeen = true
  await computer.see('visible')
  await expect(computer.page.getByTestId('home-greeting')).toContainText('Ada Byron', { timeout: 3_000 + BUSY_MS })
})

test('a page that is hidden for a minute gives its stream back, and asks at once when it is seen again', async ({
  computer,
}) => {
  await computer.page.clock.install()
  await computer.openLogin()
  const link = await computer.readCode()
  const id = new URL(link).hash.slice(1, 17)
  await computer.see('hidden')
  await computer.page.clock.fastForward(61_000)
  await expect(computer.page.getByTestId('qr-code')).toHaveCount(0)
  const asked = computer.page.waitForRequest((request) => new URL(request.url()).pathname === `/api/qr/${id}`)
  await computer.see('visible')
  expect((await asked).method()).toBe('GET')
  expect(await computer.readCode()).toContain(id)
})

test('a page that was hidden for ten minutes signs in within 3 s when the phone has confirmed meanwhile', async ({
  computer,
  phone,
}) => {
  await computer.page.clock.install()
  await computer.openLogin()
  const link = await computer.readCode()
  await phone.open(link)
  await phone.expectState('review')
  await computer.see('hidden')
  await computer.page.clock.fastForward('10:00')
  await phone.answer('approve')
  await phone.expectState('approved')
  await computer.see('visible')
  await expect(computer.page.getByTestId('home-greeting')).toContainText('Ada Byron', { timeout: 3_000 + BUSY_MS })
})

for (const [words, skewMs] of [
  ['a day ahead', 86_400_000],
  ['a day behind', -86_400_000],
] as const) {
  test(`a computer whose clock is ${words} shows its code while it is good, and signs in`, async ({
    computer,
    phone,
  }) => {
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

test('a phone that is offline for 3 s at every step ends where it would have', async ({ computer, phone }) => {
  const { page } = phone
  /** The network is gone for the next request, and for 3 s. */
  const loseNetwork = async (path: string, step: () => Promise<unknown>) => {
    await page.route(path, (route) => route.abort('internetdisconnected'))
    const asked = page.waitForRequest((request) => request.url().endsWith(path.replace('**', '')))
    await step()
    await asked
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

test('a sign-in survives a restart of the server in its middle', async ({ computer, phone, server }) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await computer.expectState('scanned')
  await phone.expectState('review')
  await server.end('SIGTERM')
  await server.start()
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

test('a server that is killed loses no scanned attempt either', async ({ computer, phone, server }) => {
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
  'out of the back/forward cache after the phone has said yes: signed in within 3 s',
  async ({ wire, computer, phone }) => {
    await computer.openLogin()
    const link = await computer.readCode()
    // As a browser puts it aside: told first, then frozen, its connections closed. (Chromium itself
    // keeps no page that must not be stored.)
    const { page } = computer
    const browser = await page.context().newCDPSession(page)
    await page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })))
    await browser.send('Page.setWebLifecycleState', { state: 'frozen' })
    wire.disconnect()
    await phone.open(link)
    await phone.answer('approve')
    await phone.expectState('approved')
    const restoredAt = performance.now()
    const wake = browser.send('Page.setWebLifecycleState', { state: 'active' })
    // Chromium freezes when it sees fit: the page may have signed in already, and be on its way.
    await wake.catch((error: unknown) => expect(String(error)).toMatch(/Not attached to an active page/))
    const show = page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))
    // It may have signed in before it was told: then this document is gone.
    await show.catch((error: unknown) => expect(String(error)).toMatch(/context was destroyed|navigation/))
    await computer.expectSignedIn('Ada Byron')
    expect(performance.now() - restoredAt).toBeLessThan(3_000 + BUSY_MS)
  },
)

test('a page that signs in as it comes out of the back/forward cache is not loaded anew instead', async ({
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
  // It is restored when it has signed in already, and the next page is on its way.
  await page.evaluate(() => {
    const tell = (name: string) => window.dispatchEvent(new PageTransitionEvent(name, { persisted: true }))
    tell('pagehide')
    const { navigation } = window as unknown as { navigation: EventTarget }
    navigation.addEventListener('navigate', () => setTimeout(tell, 100, 'pageshow'), { once: true })
  })
  await phone.open(link)
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})
