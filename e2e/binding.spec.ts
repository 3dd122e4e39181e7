import { expect, test, watchedPage } from './support/test'

test("another browser with the attempt's id gets the same 404 as for an unknown id", async ({
  computer,
  newComputer,
  phone,
}) => {
  const started = computer.page.waitForResponse((response) => response.url().endsWith('/api/qr'))
  await computer.openLogin()
  const path = (await started).headers().location ?? ''
  const link = await computer.readCode()
  const thief = await newComputer()
  await thief.openLogin()
  await thief.readCode()
  const request = (method: string, suffix: string, body: unknown, target: string) =>
    thief.page.evaluate(
      async ([m, url, json]) => {
        const init = json === null ? {} : { body: json as string, headers: { 'Content-Type': 'application/json' } }
        const response = await fetch(url as string, { method: m as string, ...init })
        const { requestId: _, ...problem } = await response.json()
        return JSON.stringify([response.status, problem])
      },
      [method, target + suffix, body === null ? null : JSON.stringify(body)],
    )
  await phone.open(link)
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
  for (const [method, suffix, body] of [
    ['GET', '', null],
    ['GET', '?after=0&waitMs=100', null],
    ['GET', '/events', null],
    ['POST', '/match', { number: '42' }],
    ['POST', '/redeem', { ticket: 'x' }],
    ['DELETE', '', null],
  ] as const) {
    const stolen = await request(method, suffix, body, path)
    expect(stolen).toContain('[404,')
    expect(stolen).toBe(await request(method, suffix, body, '/api/qr/AAAAAAAAAAAAAAAA'))
  }
})

test('no secret is readable by scripts or left in a URL', async ({ computer, phone }) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
  await phone.expectState('approved')
  // The phone offers the person who was signed in last: name and picture, nothing else.
  const last = JSON.stringify({ name: 'Ada Byron', avatarUrl: '/avatars/ada.svg' })
  for (const [{ page }, stored] of [
    [computer, []],
    [phone, [last]],
  ] as const) {
    const read = () => page.evaluate(() => [Object.values(localStorage), sessionStorage.length, document.cookie])
    expect(await read()).toEqual([stored, 0, ''])
    for (const cookie of await page.context().cookies()) expect(cookie).toMatchObject({ httpOnly: true })
    expect(page.url()).not.toMatch(/[#?]/)
  }
})

test('pages open with invalid cookies and tokens', async ({ server }) => {
  const headers = { Authorization: 'Bearer x', Cookie: 'qr_session=%; qr_phone=Fe26.2**; qr_browser; =;;' }
  for (const path of ['/login', '/q', '/phone', '/phone/scan', '/']) {
    const response = await fetch(server.origin + path, { headers, redirect: 'manual' })
    expect([path, response.status]).toEqual([path, path === '/' ? 307 : 200])
  }
})

test('without JavaScript a page sends only GET requests, sets no cookie and starts no attempt', async ({
  browser,
  server,
}) => {
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await watchedPage(context)
  const methods: string[] = []
  page.on('request', (request) => methods.push(request.method()))
  await page.goto(`${server.origin}/login`)
  const hint = page.locator('noscript p')
  await expect(hint).toBeVisible()
  await expect(hint).toHaveText('Turn on JavaScript to sign in with a code.')
  await page.goto(`${server.origin}/q#x`)
  expect(new Set(methods)).toEqual(new Set(['GET']))
  expect(await context.cookies()).toEqual([])
  await context.close()
})

test('a form that is submitted before its script has loaded puts nothing into a URL', async ({ browser, server }) => {
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await watchedPage(context)
  const urls: string[] = []
  page.on('request', (request) => urls.push(request.url()))
  await page.goto(`${server.origin}/phone/scan`)
  const field = page.getByTestId('paste-link')
  await field.fill(`${server.origin}/q#secret`)
  await expect(page.getByRole('button', { name: 'Open' })).toBeDisabled()
  await field.press('Enter')
  await page.evaluate(() => document.querySelector('form')?.submit())
  await page.waitForLoadState()
  expect(urls.join()).not.toContain('secret')
  await context.close()
})
