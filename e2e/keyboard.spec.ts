import type { Page } from '@playwright/test'
import { expect, test } from './support/test'

test.use({ settings: { MATCH_POLICY: 'always', CODE_PERIOD_S: '10' } })

/** Presses Tab until the element with this test id has the focus. Expects a visible focus ring. */
async function tabTo(page: Page, testId: string): Promise<void> {
  for (let presses = 0; presses < 25; presses += 1) {
    await page.keyboard.press('Tab')
    const focused = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement | null
      const style = element === null ? null : getComputedStyle(element)
      return {
        testId: element?.dataset.testid,
        hasRing: style?.outlineStyle !== 'none' && style?.outlineWidth !== '0px',
      }
    })
    if (focused.testId !== testId) continue
    expect([testId, focused.hasRing]).toEqual([testId, true])
    return
  }
  throw new Error(`${testId} is not reachable by keyboard`)
}

test('a sign-in works with the keyboard alone, on both devices', async ({ computer, newPhone }) => {
  const { page, ...phone } = await newPhone(null)
  await computer.openLogin()
  const link = await computer.readCode()

  await page.goto(`${phone.server.origin}/phone`)
  await tabTo(page, 'demo-account')
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('scan-tile')).toBeVisible()
  await tabTo(page, 'scan-tile')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/phone/scan')
  await tabTo(page, 'paste-link')
  await page.keyboard.type(link)
  await page.keyboard.press('Enter')

  // The number field gets the focus automatically: it is the only possible action.
  await computer.expectState('match')
  await expect(computer.page.getByTestId('match-input')).toBeFocused()
  await computer.page.keyboard.type((await page.getByTestId('review-number').innerText()).trim())
  await computer.expectState('scanned')

  await expect(page.getByTestId('approve')).toBeEnabled()
  await tabTo(page, 'approve')
  // The protection against accidental taps also applies to keys, so the key is repeated.
  await expect(async () => {
    await page.keyboard.press('Enter')
    await expect(page.getByTestId('review')).toHaveAttribute('data-state', 'approved', { timeout: 500 })
  }).toPass()
  await computer.expectSignedIn('Ada Byron')
})

test('no state change moves the focus, except to the number field', async ({ computer, newPhone }) => {
  const phone = await newPhone('ada')
  await computer.openLogin()
  const language = computer.page.getByTestId('language')
  await expect(language).toBeEnabled()
  await language.focus()
  const link = await computer.readCode()
  await expect(language).toBeFocused()
  await computer.readNextCode(link)
  await expect(language).toBeFocused()
  await computer.page.context().setOffline(true)
  await computer.expectState('offline')
  await expect(language).toBeFocused()
  await computer.page.context().setOffline(false)
  await phone.open(await computer.readCode())
  // The exception: the number has to be typed.
  await computer.expectState('match')
  await expect(computer.page.getByTestId('match-input')).toBeFocused()
  await language.focus()
  await phone.answer('decline')
  await computer.expectState('denied')
  await expect(language).toBeFocused()
})
