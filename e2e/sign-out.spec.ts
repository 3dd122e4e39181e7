import { expect, test } from './support/test'

test('a sign-out of a computer from the phone reaches its open page within 2 s', async ({ computer, phone }) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
  await expect(computer.page.getByTestId('session-row')).toHaveCount(1)
  await phone.page.goto(`${phone.server.origin}/phone`)
  await phone.page.getByTestId('session-row').getByTestId('sign-out').click()
  await expect(phone.page.getByRole('dialog')).toContainText('Sign out of')
  await phone.page.getByTestId('sign-out-confirm').click()
  await expect(computer.page.getByText('You were signed out')).toBeVisible({ timeout: 2_000 })
  await expect(computer.page.getByTestId('signed-out')).toHaveAttribute('data-by', 'phone')
  await expect(phone.page.getByText('No computers signed in.')).toBeVisible()
  await computer.page.getByRole('link', { name: 'Sign in again' }).click()
  await computer.expectState('ready')
})

test('a new sign-in shows a notice on the phone, which can sign the computer out', async ({
  computer,
  phone,
  newPhone,
}) => {
  const other = await newPhone('ada')
  await computer.openLogin()
  await other.open(await computer.readCode())
  await other.answer('approve')
  await computer.expectSignedIn('Ada Byron')
  const notice = phone.page.getByTestId('notice')
  await expect(notice).toContainText('New sign-in: Chrome')
  await notice.getByRole('button', { name: 'Sign it out' }).click()
  await expect(computer.page.getByText('You were signed out')).toBeVisible({ timeout: 2_000 })
  await expect(notice).toHaveCount(0)
})

test('a confirmation dialog closed with Escape or Cancel signs no computer out', async ({ newComputer, phone }) => {
  for (const computer of [await newComputer(), await newComputer()]) {
    await computer.openLogin()
    await phone.open(await computer.readCode())
    await phone.answer('approve')
    await computer.expectSignedIn('Ada Byron')
  }
  await phone.page.goto(`${phone.server.origin}/phone`)
  const rows = phone.page.getByTestId('session-row')
  await rows.first().getByTestId('sign-out').click()
  await phone.page.getByTestId('sign-out-confirm').click()
  await expect(rows).toHaveCount(1)
  await rows.getByTestId('sign-out').click()
  const deletes: string[] = []
  phone.page.on('request', (request) => deletes.push(request.method()))
  await phone.page.keyboard.press('Escape')
  await expect(phone.page.getByRole('dialog')).toBeHidden()
  await rows.getByTestId('sign-out').click()
  await phone.page.getByRole('button', { name: 'Cancel' }).click()
  await expect(phone.page.getByRole('dialog')).toBeHidden()
  expect(deletes).not.toContain('DELETE')
  await expect(rows).toHaveCount(1)
})

test('sign-out everywhere signs every computer out', async ({ newComputer, phone }) => {
  const computers = [await newComputer(), await newComputer()]
  for (const computer of computers) {
    await computer.openLogin()
    await phone.open(await computer.readCode())
    await phone.answer('approve')
    await computer.expectSignedIn('Ada Byron')
  }
  await phone.page.goto(`${phone.server.origin}/phone`)
  await expect(phone.page.getByTestId('session-row')).toHaveCount(2)
  await phone.page.getByTestId('sign-out-everywhere').click()
  for (const { page } of computers) await expect(page.getByText('You were signed out')).toBeVisible({ timeout: 2_000 })
})

test('a computer that signs itself out is redirected from home to the login page', async ({ computer, phone }) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
  await phone.page.goto(`${phone.server.origin}/phone`)
  await expect(phone.page.getByTestId('session-row')).toHaveCount(1)
  // The response is delayed until the streams have their events: this page must not show its own.
  await computer.page.route('**/api/session', async (route) => {
    const response = await route.fetch()
    await expect(phone.page.getByTestId('session-row')).toHaveCount(0)
    await expect(computer.page.getByTestId('home-greeting')).toBeVisible()
    await route.fulfill({ response })
  })
  await computer.page.getByRole('button', { name: 'Sign out' }).click()
  await computer.expectState('ready')
  await computer.page.goto(computer.server.origin)
  expect(new URL(computer.page.url()).pathname).toBe('/login')
})

test('after the sign-in `next` leads to our own path, not to another host', async ({ computer, phone }) => {
  for (const [next, path] of [
    ['/phone', '/phone'],
    ['//evil.example', '/'],
  ]) {
    await computer.page.context().clearCookies()
    await computer.openLogin(`/login?next=${encodeURIComponent(next ?? '')}`)
    await phone.open(await computer.readCode())
    await phone.answer('approve')
    await computer.page.waitForURL(computer.server.origin + path)
  }
})
