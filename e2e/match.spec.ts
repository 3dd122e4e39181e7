import { Server } from './support/server'
import { Computer, expect, Phone, test, watchedPage } from './support/test'

test.use({ settings: { MATCH_POLICY: 'always' } })

test('the right number lets the phone confirm', async ({ computer, phone }) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  const number = await phone.readNumber()
  await expect(phone.review).toContainText('Your team asks for it every time')
  await computer.expectState('match')
  await expect(computer.page.getByTestId('match-input')).toBeFocused()
  await expect(phone.page.getByTestId('approve')).toBeDisabled()
  expect(await computer.page.content()).not.toContain(`>${number}<`)
  await computer.page.keyboard.type(number)
  await computer.expectState('scanned')
  await expect(phone.page.getByTestId('number-matched')).toBeVisible()
  await expect(phone.page.getByTestId('review-number')).toHaveCount(0)
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

test('one wrong number can be corrected', async ({ computer, phone }) => {
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
  await phone.expectState('mismatch')
})

// MATCH_POLICY=risk: the networks are those that the proxy sends for the two clients.
const RISKS: [title: string, computerAt: string, phoneAt: string, network: string][] = [
  ['another network', '203.0.113.7', '198.51.100.4', 'It is not on your network.'],
  ['an unknown network', 'unknown', '198.51.100.4', "We don't know its network."],
]

for (const [title, computerAt, phoneAt, network] of RISKS) {
  test(`a new browser on ${title}: the phone shows exactly these two reasons`, async ({ browser }) => {
    const server = await Server.start({ MATCH_POLICY: 'risk', TRUSTED_PROXIES: '127.0.0.0/8,::1' })
    const contexts = [await browser.newContext(), await browser.newContext()] as const
    const computer = new Computer(await watchedPage(contexts[0]), server)
    const phone = new Phone(await watchedPage(contexts[1]), server)
    await phone.signIn('ada')
    await contexts[0].setExtraHTTPHeaders({ 'X-Forwarded-For': computerAt })
    await contexts[1].setExtraHTTPHeaders({ 'X-Forwarded-For': phoneAt })
    await computer.openLogin()
    await phone.open(await computer.readCode())
    await phone.expectState('review')
    await expect(phone.review.getByRole('listitem')).toHaveText(['This computer is new to you.', network])
    for (const context of contexts) await context.close()
    await server.dispose()
  })
}
