import type { Browser } from '@playwright/test'
import type { Server } from './support/server'
import { Computer, expect, Phone, test, watchedPage } from './support/test'

// A short code requires the number even so. The limits are the defaults.
test.use({ settings: { MATCH_POLICY: 'never', RATE_LIMIT_SCALE: '1' } })

const WORDS = {
  'en-US': {
    offer: 'Camera not working? Use a short code',
    where: (host: string) => `On your phone, open ${host}/q and type it`,
    title: 'Type the code',
    why: 'You typed the code.',
    greeting: 'Lin Xia',
  },
  'zh-CN': {
    offer: '相机用不了？用短码',
    where: (host: string) => `用手机打开 ${host}/q 并输入短码`,
    title: '输入短码',
    why: '登录码是手动输入的。',
    greeting: 'Lin Xia',
  },
}

/** Shows the short code on the computer, and returns it. */
async function readShortCode(computer: Computer): Promise<string> {
  await computer.expectState('ready')
  await computer.page.getByTestId('use-short-code').click()
  const code = computer.page.getByTestId('short-code')
  await expect(code).toHaveText(/^[B-Z]{4}-[B-Z]{4}$/)
  return await code.innerText()
}

async function openTwo(browser: Browser, server: Server, locale: string) {
  const contexts = [await browser.newContext({ locale }), await browser.newContext({ locale })] as const
  const computer = new Computer(await watchedPage(contexts[0]), server)
  const phone = new Phone(await watchedPage(contexts[1]), server)
  return { computer, phone, close: () => Promise.all(contexts.map((context) => context.close())) }
}

for (const [locale, words] of Object.entries(WORDS)) {
  test(`the computer shows a short code, the phone types it, and the number signs in: ${locale}`, async ({
    browser,
    server,
  }) => {
    const { computer, phone, close } = await openTwo(browser, server, locale)
    await phone.signIn('lin')
    await computer.openLogin()
    await computer.expectState('ready')
    await expect(computer.page.getByTestId('use-short-code')).toHaveText(words.offer)
    const shortCode = await readShortCode(computer)
    await expect(computer.panel).toContainText(words.where(new URL(server.origin).host))
    expect(await computer.codesOnScreen()).toEqual([])
    await phone.open(`${server.origin}/q`)
    await expect(phone.page.getByRole('heading', { level: 1 })).toHaveText(words.title)
    await phone.page.getByTestId('type-code').fill(` ${shortCode.toLowerCase().replace('-', ' ')}`)
    await phone.page.getByTestId('send-code').click()
    await phone.expectState('review')
    await expect(phone.review.getByRole('listitem')).toHaveText([words.why])
    await expect(phone.page.getByTestId('approve')).toBeDisabled()
    await computer.expectState('match')
    await computer.page.keyboard.type(await phone.readNumber())
    await phone.answer('approve')
    await computer.expectSignedIn(words.greeting)
    await phone.expectState('approved')
    expect(new URL(phone.page.url()).hash).toBe('')
    await close()
  })
}

test('everything works with the keyboard, and a pasted code is read', async ({ computer, phone }) => {
  await computer.openLogin()
  await computer.expectState('ready')
  await computer.page.getByTestId('use-short-code').focus()
  await computer.page.keyboard.press('Enter')
  await expect(computer.page.getByTestId('short-code')).toBeVisible()
  const shortCode = await computer.page.getByTestId('short-code').innerText()
  // The same button has the focus: it leads back.
  await expect(computer.page.getByTestId('use-qr-code')).toBeFocused()
  await computer.page.keyboard.press('Enter')
  await computer.readCode()
  await expect(computer.page.getByTestId('use-short-code')).toBeFocused()
  await computer.page.keyboard.press('Enter')
  await expect(computer.page.getByTestId('short-code')).toHaveText(shortCode)
  await phone.page.goto(`${phone.server.origin}/phone/scan`)
  await phone.page.getByRole('link', { name: 'Type the code' }).click()
  const input = phone.page.getByRole('textbox', { name: 'Short code' })
  await expect(input).toBeFocused()
  await expect(phone.page.getByTestId('send-code')).toBeEnabled()
  await phone.page.keyboard.insertText(shortCode)
  await phone.page.keyboard.press('Enter')
  await phone.expectState('review')
  await computer.expectState('match')
})

test('a phone that is not signed in types once', async ({ computer, newPhone }) => {
  const phone = await newPhone(null)
  await computer.openLogin()
  const shortCode = await readShortCode(computer)
  await phone.open(`${phone.server.origin}/q`)
  await phone.page.getByTestId('type-code').fill(shortCode)
  await phone.page.getByTestId('send-code').click()
  await phone.expectState('needs_sign_in')
  await phone.page.locator('[data-testid="demo-account"][data-username="yuki"]').click()
  await phone.expectState('review')
  await computer.expectState('match')
})

test('a wrong code can be corrected; the fifth blocks short codes, and the page says for how long', async ({
  computer,
  newPhone,
}) => {
  const phone = await newPhone('sam')
  await computer.openLogin()
  const link = await computer.readCode()
  const shortCode = await readShortCode(computer)
  await phone.open(`${phone.server.origin}/q`)
  const input = phone.page.getByTestId('type-code')
  const problem = phone.page.getByTestId('type-code-problem')
  const send = async (text: string) => {
    await input.fill(text)
    await phone.page.getByTestId('send-code').click()
  }
  await send('WDJB')
  await expect(problem).toHaveText('A short code has eight letters.')
  await expect(input).toHaveAccessibleDescription('A short code has eight letters.')
  const responses: number[] = []
  phone.page.on('response', (response) => response.url().endsWith('/api/qr/scan') && responses.push(response.status()))
  for (const letter of 'BCDFG') {
    const sent = responses.length
    await send(letter.repeat(8))
    await expect.poll(() => responses.length).toBe(sent + 1)
    await expect(problem).toHaveText("We don't know this code. Check the letters.")
    await expect(input).toHaveValue(`${letter.repeat(4)}-${letter.repeat(4)}`)
  }
  await send(shortCode)
  await expect(problem).toHaveText(/^Too many tries\. Try again in (10:00|9:\d\d)\.$/)
  expect(responses).toEqual([404, 404, 404, 404, 404, 429])
  await computer.expectState('short_code')
  // The QR code is another way, with a limit of its own.
  await phone.open(link)
  await phone.expectState('review')
})
