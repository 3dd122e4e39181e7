import { expect, test, until } from './support/test'

test.use({ settings: { ATTEMPT_TTL_S: '12', CODE_PERIOD_S: '3', CONFIRM_TTL_S: '5' } })

test('the code changes each period, and an expired attempt is replaced automatically', async ({ computer }) => {
  const attempts = new Set<string>()
  computer.page.on('response', (response) => {
    const location = response.headers().location
    if (response.request().method() === 'POST' && location !== undefined) attempts.add(location)
  })
  await computer.openLogin()
  const links = new Set([await computer.readCode()])
  await until(async () => {
    for (const link of await computer.codesOnScreen()) links.add(link)
    return attempts.size >= 2
  })
  const attemptIn = (link: string) => new URL(link).hash.slice(1, 17)
  expect(attemptIn(await computer.readCode())).not.toBe(attemptIn([...links][0] as string))
  expect(links.size).toBeGreaterThanOrEqual(3)
})

test('a photographed code is expired after two periods', async ({ computer, phone }) => {
  await computer.openLogin()
  const photo = await computer.readCode()
  const second = await computer.readNextCode(photo)
  await computer.readNextCode(second)
  await phone.open(photo)
  await phone.expectState('expired')
  await expect(phone.review).toContainText('This code has expired.')
  await computer.expectState('ready')
})

test('an attempt that is scanned but not confirmed expires on both screens', async ({ computer, phone }) => {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await computer.expectState('scanned')
  await computer.expectState('scan_timeout')
  await expect(computer.panel).toContainText('Not confirmed in time')
  await phone.expectState('expired')
  expect(await computer.codesOnScreen()).toEqual([])
})
