import type { Page } from '@playwright/test'
import { decodeTwice } from './support/decode'
import { expect, test } from './support/test'

const canvas = (page: Page) => page.locator('canvas')

test('the code turns into the avatar within 560 ms, and no frame is readable as a code', async ({
  computer,
  phone,
}) => {
  await computer.openLogin()
  const link = await computer.readCode()
  // From here only the test advances the clock.
  await computer.page.clock.install()
  await computer.page.clock.pauseAt(Date.now() + 1_000)
  await phone.open(link)
  await phone.expectState('review')
  await computer.expectState('scanned')
  // The text does not wait for the animation.
  await expect(computer.panel).toContainText('Now tap “Sign in” on your phone')
  await expect(canvas(computer.page)).toBeVisible()
  const frames: Buffer[] = []
  while (await canvas(computer.page).isVisible()) {
    const picture = await computer.page.screenshot({ animations: 'allow' })
    const { zxing, zbar } = await decodeTwice(picture)
    expect([frames.length, zxing, zbar]).toEqual([frames.length, [], []])
    frames.push(await canvas(computer.page).screenshot({ animations: 'allow' }))
    await computer.page.clock.runFor(40)
    expect(frames.length * 40).toBeLessThanOrEqual(560)
  }
  // No two frames are the same.
  expect(new Set(frames.map((frame) => frame.toString('base64'))).size).toBe(frames.length)
  expect(frames.length).toBeGreaterThan(8)
  await expect(computer.panel.locator('.avatar')).toBeVisible()
})

test('the next state does not wait for the animation', async ({ computer, phone }) => {
  await computer.openLogin()
  const link = await computer.readCode()
  await computer.page.clock.install()
  await computer.page.clock.pauseAt(Date.now() + 1_000)
  await phone.open(link)
  await computer.expectState('scanned')
  await expect(canvas(computer.page)).toBeVisible()
  // During the animation.
  await phone.answer('decline')
  await computer.expectState('denied')
  await expect(canvas(computer.page)).toBeHidden()
})

test('with reduced motion the avatar appears without the animation', async ({ computer, phone }) => {
  await computer.page.emulateMedia({ reducedMotion: 'reduce' })
  await computer.openLogin()
  const link = await computer.readCode()
  await computer.page.evaluate(() => {
    const seen: boolean[] = []
    Object.assign(window, { seen })
    const element = document.querySelector('canvas')
    if (element === null) return
    new MutationObserver(() => seen.push(!element.checkVisibility())).observe(element, { attributes: true })
  })
  await phone.open(link)
  await computer.expectState('scanned')
  await expect(computer.panel.locator('.avatar')).toBeVisible()
  expect(await computer.page.evaluate(() => (window as unknown as { seen: boolean[] }).seen)).toEqual([])
})

test('the avatar has a view transition to the home page', async ({ computer, phone }) => {
  await computer.page.addInitScript(() => {
    window.addEventListener('pagereveal', (event) => {
      sessionStorage.setItem('transition', String((event as PageRevealEvent).viewTransition !== null))
    })
  })
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
  expect(await computer.page.evaluate(() => sessionStorage.getItem('transition'))).toBe('true')
  expect(await computer.page.locator('.avatar').evaluate((avatar) => getComputedStyle(avatar).viewTransitionName)).toBe(
    'person',
  )
})
