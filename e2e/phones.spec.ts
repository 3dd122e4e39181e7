import type { Page } from '@playwright/test'
import { expect, type Phone, test } from './support/test'

const rows = (page: Page) => page.getByTestId('phone-row')

/** Opens the home page on the only phone of the account. Signs out the phones of other tests. */
async function openHomeAlone(phone: Phone): Promise<void> {
  const status = await phone.page.evaluate(async () => (await fetch('/api/phones', { method: 'DELETE' })).status)
  expect(status).toBe(204)
  await phone.page.goto(`${phone.server.origin}/phone`)
  await expect(rows(phone.page)).toHaveCount(1)
  await expect(rows(phone.page)).toContainText('This phone')
  await expect(rows(phone.page).getByTestId('sign-out')).toHaveCount(0)
}

test('another phone is listed when the page is shown again, and signed out after a confirmation', async ({
  newPhone,
}) => {
  const phone = await newPhone('sam')
  await openHomeAlone(phone)
  const other = await newPhone('sam')
  await phone.setVisibility('hidden')
  await phone.setVisibility('visible')
  await expect(rows(phone.page)).toHaveCount(2)
  await expect(phone.page.getByTestId('sign-out-other-phones')).toHaveCount(0)
  await rows(phone.page).getByTestId('sign-out').click()
  await expect(phone.page.getByRole('dialog')).toContainText('Sign out of Safari · iOS?')
  await phone.page.keyboard.press('Escape')
  await expect(phone.page.getByRole('dialog')).toBeHidden()
  await expect(rows(phone.page)).toHaveCount(2)
  await rows(phone.page).getByTestId('sign-out').click()
  await phone.page.getByTestId('sign-out-confirm').click()
  await expect(rows(phone.page)).toHaveCount(1)
  await expect(other.page.getByTestId('demo-account')).toHaveCount(4)
  await expect(phone.page.getByTestId('scan-tile')).toBeVisible()
})

test('one button signs all other phones out, if there is more than one', async ({ newPhone }) => {
  const phone = await newPhone('yuki')
  await openHomeAlone(phone)
  const others = [await newPhone('yuki'), await newPhone('yuki')]
  await phone.page.reload()
  await expect(rows(phone.page)).toHaveCount(3)
  await phone.page.getByTestId('sign-out-other-phones').click()
  await expect(rows(phone.page)).toHaveCount(1)
  for (const { page } of others) await expect(page.getByTestId('demo-account')).toHaveCount(4)
})
