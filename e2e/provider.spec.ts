import type { BrowserContext, Page } from '@playwright/test'
import { freePort } from '../test/support/free-port'
import { OpenIdProvider } from '../test/support/openid-provider'
import { Server, until } from './support/server'
import { test as base, expect, Phone } from './support/test'

/** People sign their phones in at the team's own OpenID provider, a real one in its own process. */

const CLIENT = { clientId: 'qr-login', clientSecret: 'a client secret that is long enough' }

const test = base.extend<{ openPhone: (locale?: string) => Promise<Phone> }, { provider: OpenIdProvider }>({
  server: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads dependencies from it
    async ({}, use) => {
      const port = await freePort()
      const origin = `http://localhost:${port}`
      const client = {
        ...CLIENT,
        redirectUri: `${origin}/api/phone/session/oidc/callback`,
        signedOutUri: `${origin}/phone`,
      }
      const provider = await OpenIdProvider.start(client)
      providers.set(port, provider)
      const server = new Server(port, {
        DEMO_ACCOUNTS: 'false',
        // A code expires after ten seconds: as after a minute with the usual settings.
        CODE_PERIOD_S: '5',
        ACCOUNTS_OIDC_ISSUER: provider.issuer,
        ACCOUNTS_OIDC_CLIENT_ID: CLIENT.clientId,
        ACCOUNTS_OIDC_CLIENT_SECRET: CLIENT.clientSecret,
        ACCOUNTS_OIDC_NAME: 'Northwind',
        OUTBOUND_ALLOW: '127.0.0.1',
      })
      await server.start()
      await use(server)
      await server.dispose()
      await provider.stop()
    },
    { scope: 'worker' },
  ],
  provider: [async ({ server }, use) => use(providers.get(server.port) as OpenIdProvider), { scope: 'worker' }],
  openPhone: async ({ browser, server }, use) => {
    const contexts: BrowserContext[] = []
    await use(async (locale = 'en-US') => {
      const context = await browser.newContext({ viewport: { width: 390, height: 844 }, locale })
      contexts.push(context)
      return new Phone(await context.newPage(), server)
    })
    for (const context of contexts) await context.close()
  },
})

const providers = new Map<number, OpenIdProvider>()

/** Fills in the provider's own pages. */
async function signInAtProvider(page: Page, name: string): Promise<void> {
  await page.locator('input[name="login"]').fill(name)
  await page.locator('input[name="password"]').fill('any password')
  await page.locator('button[type="submit"]').click()
  await page.locator('input[name="prompt"][value="consent"]').waitFor({ state: 'attached' })
  await page.locator('button[type="submit"]').click()
}

/** Resolves when no phone that holds nothing can scan this code any more. */
async function untilDead(server: Server, link: string): Promise<void> {
  const body = JSON.stringify({ code: link.split('#')[1] })
  await until(async () => {
    const headers = { 'Content-Type': 'application/json', 'Sec-Fetch-Site': 'same-origin' }
    const { status } = await fetch(`${server.origin}/api/qr/hold`, { method: 'POST', headers, body })
    return status === 410
  })
}

for (const [locale, button, seconds] of [
  ['en-US', 'Continue with Northwind', 90],
  ['zh-CN', '使用 Northwind 登录', 0],
] as const) {
  test(`a code that has expired during the sign-in is approved, ${seconds} s after it: ${locale}`, async ({
    computer,
    openPhone,
    server,
  }) => {
    test.setTimeout(60_000 + seconds * 1000)
    const phone = await openPhone(locale)
    await computer.openLogin()
    const link = await computer.readCode()
    await phone.open(link)
    await phone.expectState('needs_sign_in')
    await phone.page.getByRole('button', { name: button }).click()
    await phone.page.locator('input[name="login"]').waitFor()
    await untilDead(server, link)
    await phone.page.waitForTimeout(seconds * 1000)
    await signInAtProvider(phone.page, 'mei')
    // The provider has led here: a tap is needed, on a button that names the account.
    await phone.expectState('opened')
    await expect(phone.review).toContainText('Mei of the team')
    await phone.page.getByTestId('continue').click()
    await phone.answer('approve')
    await computer.expectSignedIn('Mei of the team')
  })
}

test('a reload and a second tab continue with the code that the phone holds', async ({
  computer,
  openPhone,
  server,
}) => {
  const phone = await openPhone('zh-CN')
  await computer.openLogin()
  const link = await computer.readCode()
  await phone.open(link)
  await phone.expectState('needs_sign_in')
  await untilDead(server, link)
  await phone.page.reload()
  await phone.expectState('needs_sign_in')
  const second = new Phone(await phone.page.context().newPage(), server)
  await second.open(link)
  await second.expectState('needs_sign_in')
  await second.page.getByTestId('provider').click()
  await signInAtProvider(second.page, 'lin')
  await second.expectState('opened')
  await second.page.getByTestId('continue').click()
  await second.answer('approve')
  await computer.expectSignedIn('Lin of the team')
})

test('an expired code is reported before the sign-in', async ({ computer, openPhone, server }) => {
  const phone = await openPhone()
  await computer.openLogin()
  const link = await computer.readCode()
  await untilDead(server, link)
  await phone.open(link)
  await phone.expectState('expired')
})

test('cancelling at the provider leads back, and the next try works', async ({ computer, openPhone }) => {
  const phone = await openPhone()
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.page.getByTestId('provider').click()
  await phone.page.getByRole('link', { name: /cancel/i }).click()
  await phone.expectState('needs_sign_in')
  await expect(phone.review).toContainText('The sign-in was cancelled or refused.')
  await phone.page.getByTestId('provider').click()
  await signInAtProvider(phone.page, 'sam')
  await phone.expectState('opened')
  await phone.page.getByTestId('continue').click()
  await phone.answer('approve')
  await computer.expectSignedIn('Sam of the team')
})

test('a provider that fails midway is named, and works when it is back', async ({ computer, openPhone, provider }) => {
  const phone = await openPhone()
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.page.getByTestId('provider').click()
  await phone.page.locator('input[name="login"]').waitFor()
  await phone.page.locator('input[name="login"]').fill('ada')
  await phone.page.locator('input[name="password"]').fill('any password')
  await phone.page.locator('button[type="submit"]').click()
  await phone.page.locator('input[name="prompt"][value="consent"]').waitFor({ state: 'attached' })
  // The provider answers the consent, and fails when the code is exchanged.
  provider.toggleTokens()
  await phone.page.locator('button[type="submit"]').click()
  await phone.expectState('needs_sign_in')
  await expect(phone.review).toContainText("Northwind isn't answering.")
  provider.toggleTokens()
  // The person is signed in at the provider by now: one tap.
  await phone.page.getByTestId('provider').click()
  await phone.expectState('opened')
  await phone.page.getByTestId('continue').click()
  await phone.answer('approve')
  await computer.expectSignedIn('Ada of the team')
})

test('a phone that signs out can sign out at the provider too', async ({ openPhone, server }) => {
  const phone = await openPhone()
  await phone.page.goto(`${server.origin}/phone`)
  await phone.page.getByTestId('provider').click()
  await signInAtProvider(phone.page, 'mei')
  await expect(phone.page.getByTestId('scan-tile')).toBeVisible()
  await phone.page.getByRole('button', { name: 'Sign out of this phone' }).click()
  // The device remembers the person, until the person says otherwise.
  const last = phone.page.getByTestId('last-person')
  await expect(last).toContainText('Mei of the team')
  await last.getByRole('button', { name: 'Not you?' }).click()
  await expect(last).toHaveCount(0)
  await phone.page.getByTestId('provider-sign-out').click()
  await phone.page.getByRole('button', { name: /yes/i }).click()
  await expect(phone.page).toHaveURL(`${server.origin}/phone`)
  // The provider has ended its session: it requires a sign-in.
  await phone.page.getByTestId('provider').click()
  await phone.page.locator('input[name="login"]').waitFor()
})
