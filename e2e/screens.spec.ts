import type { Page } from '@playwright/test'
import { Server } from './support/server'
import { expect, Phone, test, watchedPage } from './support/test'

/**
 * The sum of all layout shifts of this document (https://web.dev/cls). Stricter than CLS, which
 * takes the largest session window.
 */
const readShifts = (page: Page) => page.evaluate(() => (window as unknown as { shifts: number }).shifts)

const recordShifts = (page: Page) =>
  page.addInitScript(() => {
    Object.assign(window, { shifts: 0 })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        Object.assign(window, {
          shifts: (window as unknown as { shifts: number }).shifts + (entry as unknown as { value: number }).value,
        })
      }
    }).observe({ type: 'layout-shift', buffered: true })
  })

for (const width of [1280, 800]) {
  test(`the login page has no layout shift through its states: ${width} px`, async ({ computer, phone }) => {
    await computer.page.setViewportSize({ width, height: 800 })
    await recordShifts(computer.page)
    await computer.openLogin()
    await phone.open(await computer.readCode())
    await computer.expectState('scanned')
    await phone.answer('decline')
    await computer.expectState('denied')
    await computer.page.getByRole('button', { name: 'Show a new code' }).click()
    await computer.readCode()
    await computer.page.context().setOffline(true)
    await computer.expectState('offline')
    await computer.page.context().setOffline(false)
    const link = await computer.readCode()
    // The sum is stored when this document is left, because home is another document.
    await computer.page.evaluate(() => {
      window.addEventListener('pagehide', () => {
        sessionStorage.setItem('shifts', String((window as unknown as { shifts: number }).shifts))
      })
    })
    await phone.open(link)
    await phone.answer('approve')
    await computer.expectSignedIn('Ada Byron')
    const shifts = await computer.page.evaluate(() => sessionStorage.getItem('shifts'))
    expect(shifts).not.toBeNull()
    expect(Number(shifts)).toBeLessThan(0.01)
  })
}

test('the home page and the review have no layout shift', async ({ computer, phone }) => {
  await recordShifts(computer.page)
  await recordShifts(phone.page)
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await phone.expectState('approved')
  expect(await readShifts(phone.page)).toBeLessThan(0.01)
  await computer.expectSignedIn('Ada Byron')
  await expect(computer.page.getByTestId('session-row')).toHaveCount(1)
  expect(await readShifts(computer.page)).toBeLessThan(0.01)
})

test('on a phone the login page starts no attempt before a tap', async ({ browser, server }) => {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } })
  const page = await watchedPage(context)
  const started: string[] = []
  page.on('request', (request) => request.url().endsWith('/api/qr') && started.push(request.method()))
  await page.goto(`${server.origin}/login`)
  await expect(page.getByTestId('on-phone')).toContainText("You're on your phone")
  await expect(page.getByTestId('qr-panel')).toBeHidden()
  await page.waitForLoadState('networkidle')
  expect(started).toEqual([])
  await expect(page.getByRole('link', { name: 'Open the app' })).toHaveAttribute('href', '/phone')
  await page.getByRole('button', { name: 'Show the code anyway' }).click()
  await expect(page.getByTestId('qr-code')).toBeVisible()
  expect(started).toEqual(['POST'])
  await context.close()
})

test('zooming in keeps the code on the screen', async ({ computer }) => {
  await computer.openLogin()
  const link = await computer.readCode()
  await computer.page.setViewportSize({ width: 320, height: 256 })
  await expect(computer.page.getByTestId('on-phone')).toBeHidden()
  await computer.expectState('ready')
  expect(await computer.readCode()).toBe(link)
})

test('without JavaScript the login page asks for it, in both languages', async ({ browser, server }) => {
  for (const [locale, text] of [
    ['en-US', 'Turn on JavaScript to sign in with a code.'],
    ['zh-CN', '请启用 JavaScript 后扫码登录。'],
  ] as const) {
    const context = await browser.newContext({ javaScriptEnabled: false, locale })
    const page = await watchedPage(context)
    await page.goto(`${server.origin}/login`)
    await expect(page.locator('noscript p')).toHaveText(text)
    await expect(page.locator('noscript p')).toBeVisible()
    await expect(page.getByTestId('qr-panel')).toBeHidden()
    await context.close()
  }
})

test('on a wide screen the phone app is shown in a bezel with an explanation', async ({ computer, phone }) => {
  await computer.page.goto(`${computer.server.origin}/phone`)
  await expect(computer.page.getByText('A phone, simulated')).toBeVisible()
  const wide = await computer.page.getByTestId('demo-account').first().boundingBox()
  expect(wide?.width).toBeLessThan(195)
  const main = await computer.page.locator('main').boundingBox()
  expect([(main?.x ?? 0) > 400, (main?.width ?? 999) <= 390]).toEqual([true, true])
  await phone.page.goto(`${phone.server.origin}/phone`)
  await expect(phone.page.getByText('A phone, simulated')).toBeHidden()
})

test('the phone app can be installed', async ({ phone }) => {
  const session = await phone.page.context().newCDPSession(phone.page)
  const { url, errors, data } = await session.send('Page.getAppManifest')
  expect(url).toBe(`${phone.server.origin}/manifest.webmanifest`)
  expect(errors).toEqual([])
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors')
  // The browser of the test has no profile, so it counts as incognito.
  expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([])
  const { icons, start_url } = JSON.parse(data ?? '') as { icons: { src: string; sizes: string }[]; start_url: string }
  expect(start_url).toBe('/phone')
  for (const { src, sizes } of icons.filter(({ sizes }) => sizes !== 'any')) {
    const size = await phone.page.evaluate(async (path) => {
      const image = new Image()
      image.src = path
      await image.decode()
      return `${image.naturalWidth}x${image.naturalHeight}`
    }, src)
    expect([src, size]).toEqual([src, sizes])
  }
})

test('a new sign-in shows a notice on the home page of the other computer, which can sign it out', async ({
  computer,
  newComputer,
  phone,
}) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
  await expect(computer.page.getByTestId('session-row')).toHaveCount(1)
  await expect(computer.page.getByTestId('notice')).toHaveCount(0)

  const second = await newComputer()
  await second.openLogin()
  await phone.open(await second.readCode())
  await phone.answer('approve')
  await second.expectSignedIn('Ada Byron')
  await expect(computer.page.getByTestId('notice')).toContainText('New sign-in:')
  await computer.page.getByTestId('notice').getByRole('button', { name: 'Sign it out' }).click()
  await expect(second.page.getByTestId('signed-out')).toBeVisible()
  await expect(second.page.locator('.avatar')).toBeHidden()
  await expect(computer.page.getByTestId('notice')).toHaveCount(0)
})

test('a new sign-in shows a notice on the phone until it is acknowledged or signed out', async ({
  computer,
  newComputer,
  phone,
}) => {
  await phone.page.goto(`${phone.server.origin}/phone`)
  await expect(phone.page.getByText('No computers signed in.')).toBeVisible()
  // The review is in another tab of the same phone.
  const tab = new Phone(await watchedPage(phone.page.context()), phone.server)
  for (const each of [computer, await newComputer()]) {
    await each.openLogin()
    await tab.open(await each.readCode())
    await tab.answer('approve')
    await each.expectSignedIn('Ada Byron')
  }
  const notices = phone.page.getByTestId('notice')
  await expect(notices).toHaveCount(2)
  await notices.first().getByRole('button', { name: 'That was me' }).click()
  await expect(notices).toHaveCount(1)
  await expect(phone.page.getByTestId('session-row')).toHaveCount(2)
  await notices.first().getByRole('button', { name: 'Sign it out' }).click()
  await expect(notices).toHaveCount(0)
  await expect(phone.page.getByTestId('session-row')).toHaveCount(1)
})

test('a page that fails shows an error in both languages, with a reference that the log has', async ({ browser }) => {
  const server = await Server.start()
  const contexts = [await browser.newContext({ locale: 'en-US' }), await browser.newContext({ locale: 'zh-CN' })]
  const pages = await Promise.all(contexts.map(watchedPage))
  for (const page of pages) {
    await page.goto(`${server.origin}/phone`)
    await page.getByTestId('demo-account').first().click()
    await page.getByTestId('scan-tile').waitFor()
  }
  server.corruptStore()
  for (const [index, [title, reference]] of (
    [
      ['Something broke on our side.', /Ref (\d+)/],
      ['服务出错了。', /编号 (\d+)/],
    ] as const
  ).entries()) {
    const page = pages[index] as Page
    const response = await page.goto(`${server.origin}/phone`)
    expect(response?.status()).toBe(500)
    expect(response?.headers()['content-security-policy']).toContain("default-src 'none'")
    await expect(page.getByRole('heading', { name: title })).toBeVisible()
    const [, digest = ''] = reference.exec(await page.locator('main').innerText()) ?? []
    expect(digest).not.toBe('')
    expect(server.output).toContain(digest)
    expect(await page.content()).not.toMatch(/SQLITE|not a database/)
  }
  for (const context of contexts) await context.close()
  await server.dispose()
})
