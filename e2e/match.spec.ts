import { expect, test } from './support/test'

test.use({ settings: { MATCH_POLICY: 'always' } })

test('the right number lets the phone confirm', async ({ computer, phone }) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  const number = await phone.readNumber()
  await computer.expectState('match')
  await expect(computer.page.getByTestId('match-input')).toBeFocused()
  await expect(phone.page.getByTestId('approve')).toBeDisabled()
  expect(await computer.page.content()).not.toContain(`>${number}<`)
  await computer.page.keyboard.type(number)
  await computer.expectState('scanned')
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

test('a wrong number can be mended once', async ({ computer, phone }) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  const number = await phone.readNumber()
  await computer.expectState('match')
  await computer.page.keyboard.type(number === '42' ? '43' : '42')
  await expect(computer.panel).toContainText('One try left')
  await expect(computer.page.getByTestId('match-input')).toBeFocused()
  await computer.page.keyboard.type(number)
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

test('two wrong numbers end the attempt on both screens', async ({ computer, phone }) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  const number = await phone.readNumber()
  const wrong = number === '42' ? '43' : '42'
  await computer.expectState('match')
  await computer.page.keyboard.type(wrong)
  await expect(computer.panel).toContainText('One try left')
  await computer.page.keyboard.type(wrong)
  await computer.expectState('mismatch')
  await expect(computer.panel).toContainText("That wasn't the number")
  await phone.expectState('ended')
})
