import { type BrowserContext, devices, type Page } from '@playwright/test'
import { findViolations } from './support/axe'
import { LogoServer, SampleApp, writeClients } from './support/sample-apps'
import { Server } from './support/server'
import { Computer, expect, Phone, test } from './support/test'

/** Sign-ins to apps in the real pages: two sample apps, and one app that this file stands for. */

test.describe.configure({ mode: 'serial' })

const SECRET = 'a-secret-of-a-test-that-is-long-enough'

let server: Server
/** Of the team. */
let wiki: SampleApp
/** Of a third party, with a logo. */
let chat: SampleApp
let logos: LogoServer
/** Of the app that this file stands for; its page is missing. */
let notesCallback: string
let removeClients: () => void

test.beforeAll(async () => {
  logos = await LogoServer.start()
  notesCallback = `${logos.origin}/callback`
  wiki = await SampleApp.create('localhost', { client_id: 'wiki', client_name: 'Wiki', first_party: true })
  const logo = { logo_uri: `${logos.origin}/logo.svg` }
  chat = await SampleApp.create('127.0.0.1', { client_id: 'chat', client_name: 'Chat', ...logo })
  const notes = {
    client_id: 'notes',
    client_secret: SECRET,
    client_name: 'Notes',
    logo_uri: `${logos.origin}/missing.svg`,
    redirect_uris: [notesCallback],
    grant_types: ['authorization_code', 'refresh_token'],
  }
  const clients = writeClients([wiki.client, chat.client, notes])
  removeClients = clients.remove
  server = await Server.start({ CLIENTS_FILE: clients.path })
  await Promise.all([wiki.start(server.origin), chat.start(server.origin)])
})
test.afterAll(async () => {
  wiki.dispose()
  chat.dispose()
  logos.dispose()
  await server.dispose()
  removeClients()
})

let contexts: BrowserContext[] = []
test.afterEach(async () => {
  for (const context of contexts) await context.close()
  contexts = []
})

/** Unlike the pages of other tests, these load logos and pictures from other origins. */
async function openPage(context: BrowserContext): Promise<Page> {
  contexts.push(context)
  const page = await context.newPage()
  page.on('pageerror', (error) => {
    throw error
  })
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) throw new Error(message.text())
  })
  return page
}

type Browser = Parameters<Parameters<typeof test>[2]>[0]['browser']

async function newComputer(browser: Browser): Promise<Computer> {
  const viewport = { width: 1280, height: 800 }
  return new Computer(await openPage(await browser.newContext({ viewport, ignoreHTTPSErrors: true })), server)
}

async function newPhone(browser: Browser, username = 'ada'): Promise<Phone> {
  const { defaultBrowserType: _, ...iphone } = devices['iPhone 14']
  const phone = new Phone(await openPage(await browser.newContext({ ...iphone, ignoreHTTPSErrors: true })), server)
  await phone.signIn(username)
  await phone.signOutComputers()
  return phone
}

const signInButton = (page: Page) => page.getByRole('button', { name: 'Sign in' })

/** Opens the app and follows its button to the login page. */
async function goToLogin(computer: Computer, app: SampleApp): Promise<void> {
  await computer.page.goto(app.url)
  await signInButton(computer.page).click()
  await computer.page.waitForURL((url) => url.pathname === '/login' && url.searchParams.has('interaction'))
}

async function signIn(computer: Computer, phone: Phone, app: SampleApp): Promise<void> {
  await goToLogin(computer, app)
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await computer.page.waitForURL(`${app.url}/`)
  await expect(computer.page.getByRole('heading', { name: 'Ada Byron' })).toBeVisible()
}

test('an app of a third party: the phone names it, and what it gets; then an app of the team without a scan', async ({
  browser,
}) => {
  const [computer, phone] = [await newComputer(browser), await newPhone(browser)]
  await goToLogin(computer, chat)
  const badge = computer.page.getByTestId('app-badge')
  await expect(badge).toHaveText(`Cto continue to Chat${new URL(chat.url).host}`)
  await expect(badge.getByRole('presentation')).toHaveJSProperty('naturalWidth', 8)
  await phone.open(await computer.readCode())
  await phone.expectState('review')
  await expect(phone.page.getByRole('heading', { level: 1 })).toHaveText('Sign in to Chat on this computer?')
  await expect(phone.review).toContainText(new URL(chat.url).host)
  await expect(phone.review.locator('h1').locator('xpath=../..').locator('img')).toHaveJSProperty('naturalWidth', 8)
  await expect(phone.page.getByTestId('app-asks').getByRole('listitem')).toHaveText([
    'name and picture',
    'email address',
    'groups',
  ])
  await expect(phone.page.getByTestId('approve')).toHaveAccessibleDescription(/Chat gets: .*groups.*you agree/)
  await phone.answer('approve')
  await phone.expectState('approved')
  await expect(phone.page.getByRole('heading', { level: 1 })).toHaveText('Done. Chat opens on your computer.')
  await computer.page.waitForURL(`${chat.url}/`)
  await expect(computer.page.getByRole('main')).toContainText('ada@example.com')
  await expect(computer.page.getByRole('main')).toContainText('Groups: admins')
  await expect(computer.page.getByRole('presentation')).not.toHaveJSProperty('naturalWidth', 0)
  // The same session.
  await computer.page.goto(wiki.url)
  await signInButton(computer.page).click()
  await computer.page.waitForURL(`${wiki.url}/`)
  await expect(computer.page.getByRole('heading', { name: 'Ada Byron' })).toBeVisible()
  for (const { referer } of logos.requests) expect(referer).toBeUndefined()
  expect(logos.requests.length).toBeGreaterThan(0)
})

test('an app of the team: the phone names it and asks for no consent; the lists name it too', async ({ browser }) => {
  const [computer, phone] = [await newComputer(browser), await newPhone(browser)]
  await goToLogin(computer, wiki)
  await expect(computer.page.getByTestId('app-badge')).toContainText('Wiki')
  await phone.open(await computer.readCode())
  await phone.expectState('review')
  await expect(phone.page.getByRole('heading', { level: 1 })).toHaveText('Sign in to Wiki on this computer?')
  await expect(phone.page.getByTestId('app-asks')).toHaveCount(0)
  await phone.answer('approve')
  await computer.page.waitForURL(`${wiki.url}/`)
  await computer.page.goto(server.origin)
  await expect(computer.page.getByTestId('session-row')).toContainText(/Wiki · Chrome, \w+/)
  await phone.page.goto(`${server.origin}/phone`)
  await expect(phone.page.getByTestId('session-row')).toContainText(/Wiki · Chrome, \w+/)
  await expect(phone.page.getByTestId('notice')).toContainText(/New sign-in: Wiki · Chrome, \w+\./)
})

test('declined on the phone: a new code is for the same app, and "Back to Wiki" tells the app', async ({ browser }) => {
  const [computer, phone] = [await newComputer(browser), await newPhone(browser)]
  await goToLogin(computer, wiki)
  for (const code of ['first', 'new']) {
    await phone.open(await computer.readCode())
    await phone.expectState('review')
    await expect(phone.page.getByRole('heading', { level: 1 })).toContainText('Wiki')
    await phone.answer('decline')
    await computer.expectState('denied')
    if (code === 'first') await computer.page.getByRole('button', { name: 'Show a new code' }).click()
  }
  const callback = computer.page.waitForRequest((request) => request.url().startsWith(`${wiki.url}/callback?`))
  await computer.page.getByRole('button', { name: 'Back to Wiki' }).click()
  expect(new URL((await callback).url()).searchParams.get('error')).toBe('access_denied')
  await expect(computer.page.getByRole('alert')).toHaveText('You were not signed in.')
})

test('a person who is signed in is asked again where the app wants it', async ({ browser }) => {
  const [computer, phone] = [await newComputer(browser), await newPhone(browser)]
  await signIn(computer, phone, wiki)
  const query = new URLSearchParams({
    client_id: 'wiki',
    response_type: 'code',
    scope: 'openid',
    redirect_uri: `${wiki.url}/callback`,
    prompt: 'login',
  })
  await computer.page.goto(`${server.origin}/oidc/auth?${query}`)
  await computer.expectState('ready')
  await expect(computer.page.getByTestId('app-badge')).toContainText('Wiki')
})

test('an unknown request: the page says so and starts nothing, also on a narrow screen', async ({ browser }) => {
  const { page } = await newComputer(browser)
  const started: string[] = []
  page.on('request', (request) => started.push(`${request.method()} ${new URL(request.url()).pathname}`))
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 800 })
    await page.goto(`${server.origin}/login?interaction=unknown`)
    await expect(page.getByTestId('qr-panel')).toHaveAttribute('data-state', 'lost_request')
    await expect(page.getByRole('heading', { name: 'Start again in the app' })).toBeVisible()
    await expect(page.getByRole('link', { name: 'Go to the start page' })).toHaveAttribute('href', '/')
  }
  expect(started).not.toContain('POST /api/qr')
})

test('the home page has a tile for each app with a page, which leads there without a referrer', async ({ browser }) => {
  const [computer, phone] = [await newComputer(browser), await newPhone(browser)]
  await signIn(computer, phone, wiki)
  await computer.page.goto(server.origin)
  const tiles = computer.page.getByTestId('app-tile')
  await expect(tiles).toHaveText([`WWiki${new URL(wiki.url).host}`, `CChat${new URL(chat.url).host}`])
  for (const tile of await tiles.all()) {
    await expect(tile).toHaveAttribute('rel', 'noopener')
    await expect(tile).toHaveAttribute('referrerpolicy', 'no-referrer')
  }
  // Recipes are for the demo.
  await expect(computer.page.getByTestId('recipes')).toHaveCount(0)
  const opened = computer.page.waitForRequest(`${wiki.url}/`)
  await tiles.first().click()
  expect(await (await opened).headerValue('referer')).toBeNull()
  await expect(computer.page.getByRole('heading', { name: 'Ada Byron' })).toBeVisible()
})

const basic = `Basic ${Buffer.from(`notes:${SECRET}`).toString('base64')}`

async function askForTokens(fields: Record<string, string>): Promise<{ status: number; json: Record<string, string> }> {
  const request = { method: 'POST', headers: { Authorization: basic }, body: new URLSearchParams(fields) }
  const response = await fetch(`${server.origin}/oidc/token`, request)
  return { status: response.status, json: (await response.json()) as Record<string, string> }
}

test('Apps on the phone: a removed app has lost its tokens, and asks again', async ({ browser }) => {
  const [computer, phone] = [await newComputer(browser), await newPhone(browser, 'lin')]
  const { page } = computer
  const query = new URLSearchParams({
    client_id: 'notes',
    response_type: 'code',
    scope: 'openid profile offline_access',
    prompt: 'consent',
    redirect_uri: notesCallback,
  })
  await phone.page.goto(`${server.origin}/phone`)
  await expect(phone.page.getByText('No apps yet.')).toBeVisible()
  await page.goto(`${server.origin}/oidc/auth?${query}`)
  // Its logo is missing.
  await expect(page.getByTestId('app-badge').locator('svg')).toHaveText('N')
  await expect(page.getByTestId('app-badge').locator('img')).toBeHidden()
  await phone.open(await computer.readCode())
  await phone.expectState('review')
  await expect(phone.page.getByTestId('app-asks').getByRole('listitem')).toHaveText([
    'name and picture',
    'stays signed in while you are away',
  ])
  await phone.answer('approve')
  await page.waitForURL((url) => url.href.startsWith(notesCallback))
  const code = new URL(page.url()).searchParams.get('code') ?? ''
  const { json } = await askForTokens({ grant_type: 'authorization_code', code, redirect_uri: notesCallback })
  const renewed = await askForTokens({ grant_type: 'refresh_token', refresh_token: json.refresh_token ?? '' })
  expect(renewed.status).toBe(200)

  await phone.page.goto(`${server.origin}/phone`)
  const row = phone.page.getByTestId('app-row')
  await expect(row).toHaveAttribute('data-client-id', 'notes')
  await expect(row).toContainText('Notes')
  await expect(row.getByRole('listitem')).toHaveText(['name and picture', 'stays signed in while you are away'])
  await expect(row).toContainText('Agreed just now')
  await row.getByTestId('remove-app').click()
  const dialog = phone.page.getByRole('dialog', { name: 'Remove Notes?' })
  await expect(dialog).toContainText('Its access ends, and it asks again next time.')
  await dialog.getByTestId('remove-app-confirm').click()
  await expect(row).toHaveCount(0)
  const token = renewed.json.refresh_token ?? ''
  const refused = await askForTokens({ grant_type: 'refresh_token', refresh_token: token })
  expect([refused.status, refused.json.error]).toEqual([400, 'invalid_grant'])
  await page.goto(`${server.origin}/oidc/auth?${query}`)
  await computer.expectState('ready')
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`a sign-out that an app asks for without its ID token is a question, ${colorScheme}`, async ({ browser }) => {
    const [computer, phone] = [await newComputer(browser), await newPhone(browser)]
    const { page } = computer
    await page.emulateMedia({ colorScheme })
    await signIn(computer, phone, wiki)
    const query = new URLSearchParams({ client_id: 'wiki', post_logout_redirect_uri: `${wiki.url}/` })
    await page.goto(`${server.origin}/oidc/session/end?${query}`)
    await expect(page.getByRole('heading', { name: 'Sign out of this computer?' })).toBeVisible()
    await expect(page.getByRole('main')).toContainText('Wiki asks for it.')
    expect(await findViolations(page)).toEqual([])
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(`${wiki.url}/`)
    await expect(signInButton(page)).toBeVisible()
    await page.goto(server.origin)
    await page.waitForURL(`${server.origin}/login`)
  })
}

test('the pages that show logos may load images from their origins, and no other page may', async () => {
  const imagesOf = async (path: string) => {
    const { headers } = await fetch(server.origin + path, { redirect: 'manual' })
    return /img-src ([^;]*)/.exec(headers.get('content-security-policy') ?? '')?.[1]
  }
  for (const path of ['/', '/login', '/q', '/phone'])
    expect([path, await imagesOf(path)]).toEqual([path, `'self' data: ${logos.origin}`])
  for (const path of ['/phone/scan', '/nowhere']) expect([path, await imagesOf(path)]).toEqual([path, "'self' data:"])
})
