import { expect, Phone, test, watchedPage } from './support/test'

test('every phone of the account shows the notice of a sign-in until one of them acknowledges it', async ({
  computer,
  newPhone,
}) => {
  const [first, second] = [await newPhone('lin'), await newPhone('lin')]
  for (const { page } of [first, second]) await page.goto('about:blank')
  await computer.openLogin()
  await first.open(await computer.readCode())
  await first.answer('approve')
  await computer.expectSignedIn('Lin Xia')
  for (const { page, server } of [first, second]) {
    await page.goto(`${server.origin}/phone`)
    await expect(page.getByTestId('notice')).toHaveCount(1)
    await page.reload()
    await expect(page.getByTestId('notice')).toHaveCount(1)
  }
  await first.page.getByRole('button', { name: 'That was me' }).click()
  for (const { page } of [first, second]) {
    await expect(page.getByTestId('notice')).toHaveCount(0)
    await expect(page.getByTestId('session-row')).toHaveCount(1)
  }
  await second.page.reload()
  await expect(second.page.getByTestId('session-row')).toHaveCount(1)
  await expect(second.page.getByTestId('notice')).toHaveCount(0)
})

test('a notice stays if its acknowledgement is lost', async ({ computer, newPhone }) => {
  const phone = await newPhone('lin')
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await computer.expectSignedIn('Lin Xia')
  await phone.page.goto(`${phone.server.origin}/phone`)
  await phone.page.route('**/acknowledge', (route) => route.abort())
  const lost = phone.page.waitForEvent('requestfailed')
  await phone.page.getByRole('button', { name: 'That was me' }).click()
  await lost
  await expect(phone.page.getByTestId('notice')).toHaveCount(1)
})

test('the phone page with a notice loads without layout shift', async ({ computer, newPhone }) => {
  const phone = await newPhone('lin')
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await computer.expectSignedIn('Lin Xia')
  const tab = new Phone(await watchedPage(phone.page.context()), phone.server)
  await tab.page.addInitScript(() => {
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const shifts = Number(document.documentElement.dataset.shifts ?? 0)
        document.documentElement.dataset.shifts = String(shifts + (entry as unknown as { value: number }).value)
      }
    }).observe({ type: 'layout-shift', buffered: true })
  })
  await tab.page.goto(`${tab.server.origin}/phone`)
  await expect(tab.page.getByRole('button', { name: 'That was me' })).toBeEnabled()
  await tab.page.waitForLoadState('load')
  expect(Number(await tab.page.evaluate(() => document.documentElement.dataset.shifts ?? 0))).toBeLessThan(0.01)
})
