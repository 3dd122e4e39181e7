import { expect, test } from './support/test'

test.use({ settings: { RATE_LIMIT_SCALE: '1', MATCH_POLICY: 'always' } })

test('three sign-ins in a row stay within the limits, with at most nine scan requests', async ({
  newComputer,
  phone,
}) => {
  let scans = 0
  phone.page.on('request', (request) => {
    if (request.url().endsWith('/api/qr/scan')) scans += 1
  })
  for (let time = 0; time < 3; time += 1) {
    const computer = await newComputer()
    await computer.openLogin()
    await phone.open(await computer.readCode())
    const number = await phone.readNumber()
    await computer.expectState('match')
    await computer.page.getByTestId('match-input').fill(number)
    await phone.answer('approve')
    await computer.expectSignedIn('Ada Byron')
  }
  expect(scans).toBeLessThanOrEqual(9)
})

test('a page that is loaded too often shows how long to wait', async ({ computer }) => {
  for (let time = 0; time < 6; time += 1) {
    await computer.openLogin()
    await computer.expectState('ready')
  }
  await computer.openLogin()
  await computer.expectState('rate_limited')
  await expect(computer.panel).toContainText(/Try again in 0:\d\d\./)
  expect(await computer.codesOnScreen()).toEqual([])
})

test('five unknown codes block the scans of that person only', async ({ computer, newPhone }) => {
  const phone = await newPhone('sam')
  await phone.page.evaluate(async () => {
    for (let time = 0; time < 6; time += 1) {
      const body = JSON.stringify({ code: `made-up-${time}` })
      await fetch('/api/qr/scan', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
    }
  })
  await computer.openLogin()
  const link = await computer.readCode()
  await phone.open(link)
  await phone.expectState('rate_limited')
  await expect(phone.review).toContainText(/Try again in 9:\d\d\./)
  const other = await newPhone('lin')
  await other.open(link)
  await other.expectState('review')
})

test('too many wrong passwords show an alert with the time to wait', async ({ newPhone }) => {
  const phone = await newPhone(null)
  await phone.page.goto(`${phone.server.origin}/phone`)
  const guess = () =>
    phone.page.evaluate(async () => {
      const body = JSON.stringify({ username: 'yuki', password: 'guess' })
      const headers = { 'Content-Type': 'application/json' }
      return (await fetch('/api/phone/session', { method: 'POST', headers, body })).status
    })
  for (const status of [401, 401, 401, 401, 401, 429]) expect(await guess()).toBe(status)
  await phone.page.locator('[data-username="yuki"]').click()
  await expect(phone.page.getByRole('alert').filter({ hasText: 'Too many tries' })).toContainText(/in [01]:\d\d\./)
})
