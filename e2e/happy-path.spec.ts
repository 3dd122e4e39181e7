import { expect, test } from './support/test'

test('a code that is scanned and confirmed signs the computer in', async ({ computer, phone }) => {
  await computer.openLogin()
  const link = await computer.readCode()
  expect(link.length).toBeLessThanOrEqual(64)
  await phone.open(link)
  await phone.expectState('review')
  await computer.expectState('scanned')
  await expect(computer.panel).toContainText('Hi, Ada Byron')
  await expect(computer.page.getByTestId('qr-code')).toHaveCount(0)
  await expect(computer.page).toHaveTitle('Check your phone')
  await phone.answer('approve')
  await phone.expectState('approved')
  await computer.expectSignedIn('Ada Byron')
})
