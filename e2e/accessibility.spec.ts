import type { Page } from '@playwright/test'
import { findViolations } from './support/axe'
import { expect, test } from './support/test'

async function expectAccessible(page: Page): Promise<void> {
  expect(await findViolations(page)).toEqual([])
}

test('axe finds no violation on any screen of a sign-in', async ({ computer, phone, newPhone }) => {
  const signedOut = await newPhone(null)
  await signedOut.page.goto(`${signedOut.server.origin}/phone`)
  await expectAccessible(signedOut.page)
  await computer.openLogin()
  const link = await computer.readCode()
  await expectAccessible(computer.page)
  await phone.open(link)
  await phone.expectState('review')
  await expectAccessible(phone.page)
  await computer.expectState('scanned')
  await expectAccessible(computer.page)
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
  await expect(computer.page.getByTestId('session-row')).toHaveCount(1)
  await expectAccessible(computer.page)
  await phone.page.goto(`${phone.server.origin}/phone`)
  await expect(phone.page.getByTestId('session-row')).toHaveCount(1)
  await expectAccessible(phone.page)
  await phone.page.getByTestId('scan-tile').click()
  await phone.page.getByTestId('paste-link').waitFor()
  await expectAccessible(phone.page)
})

test('each change is announced once, in a live region that exists from the start', async ({ computer, phone }) => {
  await computer.openLogin()
  const status = computer.page.locator('[role="status"]')
  const alert = computer.page.locator('[role="alert"]:not(#__next-route-announcer__)')
  await expect(status).toHaveText('Scan with your phone Point your camera at the code')
  await expect(alert).toHaveText('')
  await phone.open(await computer.readCode())
  await expect(alert).toHaveText('Hi, Ada Byron Now tap “Sign in” on your phone')
  await expect(status).toHaveText('')
  await phone.answer('decline')
  await expect(alert).toHaveText('Declined on the phone Nobody was signed in.')
})
