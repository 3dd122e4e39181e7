import { Server, type Settings } from './support/server'
import { Computer, expect, Phone, test, watchedPage } from './support/test'

// `another`: whether a second computer signs in. Otherwise the session ends by time.
const ENDINGS: [by: string, settings: Settings, another: boolean][] = [
  ['single', { SINGLE_COMPUTER: 'true' }, true],
  ['limit', { MAX_COMPUTERS: '1' }, true],
  ['time', { SESSION_TTL_S: '6' }, false],
]

for (const [by, settings, another] of ENDINGS) {
  test(`an open page shows why it was signed out: ${by}`, async ({ browser }) => {
    const server = await Server.start(settings)
    const contexts = await Promise.all([1, 2, 3].map(() => browser.newContext()))
    const [first, second, third] = await Promise.all(contexts.map(watchedPage))
    if (first === undefined || second === undefined || third === undefined) throw new Error('no pages')
    const phone = new Phone(third, server)
    await phone.signIn('ada')
    const signIn = async (computer: Computer) => {
      await computer.openLogin()
      await phone.open(await computer.readCode())
      await phone.answer('approve')
      await computer.expectSignedIn('Ada Byron')
    }
    await signIn(new Computer(first, server))
    if (another) await signIn(new Computer(second, server))
    await expect(first.getByTestId('signed-out')).toHaveAttribute('data-by', by)
    for (const context of contexts) await context.close()
    await server.dispose()
  })
}

test('an open page shows that a phone, another computer or another tab signed it out', async ({
  newComputer,
  phone,
}) => {
  const [first, second, third] = [await newComputer(), await newComputer(), await newComputer()]
  for (const computer of [first, second, third]) {
    await computer.openLogin()
    await phone.open(await computer.readCode())
    await phone.answer('approve')
    await computer.expectSignedIn('Ada Byron')
    await expect(computer.page.getByTestId('session-row').filter({ hasText: 'This computer' })).toHaveCount(1)
  }
  const idOf = async ({ page }: Computer) => {
    const row = page.getByTestId('session-row').filter({ hasText: 'This computer' })
    return (await row.getAttribute('data-session-id')) ?? ''
  }
  const [firstId, secondId] = [await idOf(first), await idOf(second)]
  const signOut = (page: Computer['page'], path: string) =>
    page.evaluate(async (to) => (await fetch(to, { method: 'DELETE' })).status, path)
  expect(await signOut(phone.page, `/api/sessions/${firstId}?as=phone`)).toBe(204)
  await expect(first.page.getByTestId('signed-out')).toHaveAttribute('data-by', 'phone')
  expect(await signOut(third.page, `/api/sessions/${secondId}?as=computer`)).toBe(204)
  await expect(second.page.getByTestId('signed-out')).toHaveAttribute('data-by', 'computer')
  const tab = await watchedPage(third.page.context())
  await tab.goto(`${third.server.origin}/nowhere`)
  expect(await signOut(tab, '/api/session')).toBe(204)
  await expect(third.page.getByTestId('signed-out')).toHaveAttribute('data-by', 'here')
})

test('without a stream the page shows the sign-out without a reason', async ({ computer, phone }) => {
  await computer.page.route('**/api/account/events**', (route) => route.abort())
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
  await phone.signOutComputers()
  await expect(computer.page.getByTestId('signed-out')).toHaveAttribute('data-by', 'unknown')
})
