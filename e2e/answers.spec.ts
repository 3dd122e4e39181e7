import { expect, test } from './support/test'

test('a decline on the phone ends the attempt, and one click shows a new code', async ({ computer, phone }) => {
  await computer.openLogin()
  const link = await computer.readCode()
  await phone.open(link)
  await phone.answer('decline')
  await phone.expectState('declined')
  await computer.expectState('denied')
  await expect(computer.panel).toContainText('Declined on the phone')
  expect(await computer.codesOnScreen()).toEqual([])
  await computer.page.getByRole('button', { name: 'Show a new code' }).click()
  expect(await computer.readCode()).not.toBe(link)
})

test('"Not you?" ends the attempt on the server and shows a new code', async ({ computer, phone }) => {
  await computer.openLogin()
  const link = await computer.readCode()
  await phone.open(link)
  await computer.expectState('scanned')
  await phone.expectState('review')
  await computer.page.getByRole('button', { name: 'Not you? Show a new code' }).click()
  expect(await computer.readCode()).not.toBe(link)
  await phone.expectState('cancelled_on_computer')
  await phone.open(link)
  await phone.expectState('cancelled_on_computer')
})

test('a second phone that scans the same code is refused', async ({ computer, phone, newPhone }) => {
  const second = await newPhone('lin')
  await computer.openLogin()
  const link = await computer.readCode()
  await phone.open(link)
  await phone.expectState('review')
  await second.open(link)
  await second.expectState('taken')
  await expect(second.review).toContainText('Another phone has scanned this code.')
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

test('a phone signs in on the page of the code and keeps the code', async ({ computer, newPhone }) => {
  const phone = await newPhone(null)
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.expectState('needs_sign_in')
  await phone.page.locator('[data-testid="demo-account"][data-username="yuki"]').click()
  await phone.answer('approve')
  await computer.expectSignedIn('Yuki Tanaka')
})

test('a malformed code is unknown; a reload during the review keeps the code', async ({ computer, phone }) => {
  await phone.open(`${phone.server.origin}/q#nonsense`)
  await phone.expectState('unknown')
  await phone.open(`${phone.server.origin}/q`)
  await phone.expectState('type_code')
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.expectState('review')
  await phone.page.reload()
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
  expect(phone.page.url()).not.toContain('#')
})

test('"Wasn\'t you?" after the sign-in signs the computer out', async ({ computer, phone }) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
  await phone.page.getByRole('button', { name: 'Sign it out' }).click()
  await phone.expectState('signed_out')
  await expect(computer.page.getByText('You were signed out')).toBeVisible()
})

test('"Wasn\'t you?" without a response stays on the screen and is repeated until it has one', async ({
  computer,
  phone,
}) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
  await phone.page.route('**/api/qr/cancel', (route) => route.abort())
  await phone.page.getByRole('button', { name: 'Sign it out' }).click()
  await expect(phone.review).toContainText('No answer yet. We keep trying.')
  await phone.expectState('approved')
  await expect(phone.page.getByRole('button', { name: 'Signing it out' })).toBeVisible()
  await phone.page.unroute('**/api/qr/cancel')
  await phone.expectState('signed_out')
  await expect(computer.page.getByText('You were signed out')).toBeVisible()
})

test('"Wasn\'t you?" that is refused links to the list of computers', async ({ computer, phone }) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
  const body = JSON.stringify({ type: 'about:blank', title: '', status: 409, code: 'wrong_state' })
  await phone.page.route('**/api/qr/cancel', (route) =>
    route.fulfill({ status: 409, contentType: 'application/problem+json', body }),
  )
  await phone.page.getByRole('button', { name: 'Sign it out' }).click()
  await phone.expectState('sign_out_failed')
  await phone.page.getByRole('link', { name: 'Your computers' }).click()
  await expect(phone.page.getByTestId('session-row')).toHaveCount(1)
})

test('a declined review links to the scanner and to the list of computers', async ({ computer, phone }) => {
  for (const [name, path] of [
    ['Scan again', '/phone/scan'],
    ['Your computers', '/phone'],
  ] as const) {
    await computer.openLogin()
    await phone.open(await computer.readCode())
    await phone.answer('decline')
    await phone.expectState('declined')
    await phone.page.getByRole('link', { name }).click()
    await phone.page.waitForURL(phone.server.origin + path)
  }
})

test('a pasted link is scanned; a foreign one is shown as text and not opened', async ({ computer, phone }) => {
  await computer.openLogin()
  const link = await computer.readCode()
  await phone.page.getByTestId('scan-tile').click()
  const field = phone.page.getByTestId('paste-link')
  for (const foreign of ['https://evil.example/q#AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'javascript:alert(1)']) {
    await field.fill(foreign)
    await field.press('Enter')
    await expect(phone.page.getByText("That's not one of our codes.")).toBeVisible()
    await expect(phone.page.getByText(foreign)).toBeVisible()
  }
  await field.fill(` ${link} `)
  await field.press('Enter')
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

test('a signed-in computer can continue or use another account', async ({ computer, phone, newPhone }) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
  await computer.openLogin()
  await computer.expectState('already')
  await expect(computer.panel).toContainText('Continue as Ada Byron?')
  await computer.page.getByRole('button', { name: 'Continue' }).click()
  await computer.expectSignedIn('Ada Byron')
  await computer.openLogin()
  await computer.page.getByRole('button', { name: 'Use another account' }).click()
  const lin = await newPhone('lin')
  await lin.open(await computer.readCode())
  await lin.answer('approve')
  await computer.expectSignedIn('Lin Xia')
})
