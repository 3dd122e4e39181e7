import { expect, test } from './support/test'

test.use({ settings: { ATTEMPT_TTL_S: '3', CODE_PERIOD_S: '3' } })

test('a code that is not scanned is paused after 10 minutes, and a click starts another', async ({ computer }) => {
  await computer.page.clock.install()
  await computer.openLogin()
  await computer.expectState('ready')
  await computer.page.clock.fastForward('11:00')
  await computer.expectState('paused')
  await expect(computer.panel).toContainText('Code paused')
  expect(await computer.codesOnScreen()).toEqual([])
  await computer.page.getByRole('button', { name: 'Show a new code' }).click()
  await computer.readCode()
})
