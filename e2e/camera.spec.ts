import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContextOptions, devices, type Page } from '@playwright/test'
import { withCamera } from '../scripts/browser'
import { Server } from './support/server'
import { test as base, expect, Phone, watchedPage } from './support/test'

interface Fixtures {
  /** A phone whose camera films `picture` (JPEG); null: a phone without a camera. */
  newCameraPhone: (picture: Buffer | null, options?: BrowserContextOptions) => Promise<Phone>
}

/** Chromium plays a file as the camera, so that the page needs no fake. */
const test = base.extend<Fixtures>({
  newCameraPhone: async ({ playwright, launchOptions, server }, use) => {
    const browsers: { close: () => Promise<void> }[] = []
    await use(async (picture, options = {}) => {
      const args = [...(launchOptions.args ?? []), '--host-resolver-rules=MAP phone 127.0.0.1']
      if (picture !== null) {
        const film = join(tmpdir(), `qr-login-film-${process.pid}-${browsers.length}.mjpeg`)
        writeFileSync(film, Buffer.concat(Array.from({ length: 30 }, () => picture)))
        args.push('--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${film}`)
      }
      const browser = await playwright.chromium.launch({ ...launchOptions, ...withCamera(), args })
      browsers.push(browser)
      const { defaultBrowserType: _, ...iphone } = devices['iPhone 14']
      const context = await browser.newContext({ ...iphone, permissions: ['camera'], ...options })
      const phone = new Phone(await watchedPage(context), server)
      await phone.signIn('ada')
      return phone
    })
    for (const browser of browsers) await browser.close()
  },
})

const scanner = (page: Page) => page.getByTestId('scanner')

const isWasm = (url: string) => url.endsWith('.wasm')

/** Records the tracks of every camera stream that the page opens. */
const recordTracks = (page: Page) =>
  page.addInitScript(() => {
    const tracks: MediaStreamTrack[] = []
    Object.assign(window, { tracks })
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      const stream = await open(constraints)
      tracks.push(...stream.getTracks())
      return stream
    }
  })

const liveTracks = (page: Page) =>
  page.evaluate(
    () =>
      (window as unknown as { tracks: MediaStreamTrack[] }).tracks.filter(({ readyState }) => readyState === 'live')
        .length,
  )

test('the camera reads the code from the screen, the phone confirms, the computer is signed in', async ({
  computer,
  newCameraPhone,
}) => {
  await computer.openLogin()
  await computer.readCode()
  const phone = await newCameraPhone(await computer.page.screenshot({ type: 'jpeg', quality: 85 }))
  await phone.page.getByTestId('scan-tile').click()
  await phone.expectState('review')
  expect(new URL(phone.page.url()).pathname).toBe('/q')
  await computer.expectState('scanned')
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

test('the decoder is loaded after the tap, from our origin; the primer explains the camera', async ({
  computer,
  newCameraPhone,
}) => {
  await computer.openLogin()
  await computer.readCode()
  const phone = await newCameraPhone(await computer.page.screenshot({ type: 'jpeg' }), { permissions: [] })
  const urls: string[] = []
  phone.page.on('request', (request) => urls.push(request.url()))
  await phone.page.getByTestId('scan-tile').click()
  await expect(scanner(phone.page)).toHaveAttribute('data-state', 'primer')
  await expect(scanner(phone.page)).toContainText('We need your camera to scan. Pictures never leave your phone.')
  await phone.page.waitForLoadState('networkidle')
  expect(urls.filter(isWasm)).toEqual([])
  await phone.page.context().grantPermissions(['camera'])
  await phone.page.getByTestId('use-camera').click()
  await phone.expectState('review')
  expect(urls.filter(isWasm).map((url) => new URL(url).origin)).toEqual([computer.server.origin])
})

test('a hidden or left page stops the camera, and starts it again when it is shown', async ({
  computer,
  newCameraPhone,
}) => {
  // A picture without a code, so that the scanner does not stop.
  await computer.page.goto(`${computer.server.origin}/nowhere`)
  const phone = await newCameraPhone(await computer.page.screenshot({ type: 'jpeg' }))
  await recordTracks(phone.page)
  await phone.page.getByTestId('scan-tile').click()
  await expect(scanner(phone.page)).toHaveAttribute('data-state', 'scanning')
  expect(await liveTracks(phone.page)).toBe(1)
  await phone.setVisibility('hidden')
  expect(await liveTracks(phone.page)).toBe(0)
  await phone.setVisibility('visible')
  await expect(scanner(phone.page)).toHaveAttribute('data-state', 'scanning')
  expect(await liveTracks(phone.page)).toBe(1)
  await phone.page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })))
  expect(await liveTracks(phone.page)).toBe(0)
  await phone.page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))
  await expect(scanner(phone.page)).toHaveAttribute('data-state', 'scanning')
  expect(await liveTracks(phone.page)).toBe(1)
})

test('the light button exists only for a camera with a light, and switches it', async ({
  computer,
  newCameraPhone,
}) => {
  await computer.page.goto(`${computer.server.origin}/nowhere`)
  const picture = await computer.page.screenshot({ type: 'jpeg' })
  const plain = await newCameraPhone(picture)
  await plain.page.getByTestId('scan-tile').click()
  await expect(scanner(plain.page)).toHaveAttribute('data-state', 'scanning')
  await expect(plain.page.getByRole('button', { name: 'Light' })).toHaveCount(0)

  const phone = await newCameraPhone(picture)
  // The file has no light, so the capabilities of the track are replaced.
  await phone.page.addInitScript(() => {
    const constraintsApplied: unknown[] = []
    Object.assign(window, { constraintsApplied })
    MediaStreamTrack.prototype.getCapabilities = () => ({ torch: true }) as MediaTrackCapabilities
    MediaStreamTrack.prototype.applyConstraints = async (constraints) => void constraintsApplied.push(constraints)
  })
  await phone.page.getByTestId('scan-tile').click()
  const light = phone.page.getByRole('button', { name: 'Light' })
  await expect(light).toHaveAttribute('aria-pressed', 'false')
  await light.click()
  await expect(light).toHaveAttribute('aria-pressed', 'true')
  await light.click()
  await expect(light).toHaveAttribute('aria-pressed', 'false')
  expect(
    await phone.page.evaluate(() => (window as unknown as { constraintsApplied: unknown[] }).constraintsApplied),
  ).toEqual([{ advanced: [{ torch: true }] }, { advanced: [{ torch: false }] }])
})

test('15 s without a code: the page shows a hint', async ({ computer, newCameraPhone }) => {
  await computer.page.goto(`${computer.server.origin}/nowhere`)
  const phone = await newCameraPhone(await computer.page.screenshot({ type: 'jpeg' }))
  await phone.page.getByTestId('scan-tile').click()
  await expect(scanner(phone.page)).toContainText('Fit the code inside the squares.')
  await expect(scanner(phone.page)).toContainText("Turn up the screen's brightness or move closer.", {
    timeout: 20_000,
  })
})

test('a foreign code is shown as text and not opened', async ({ computer, newCameraPhone }) => {
  // The login page of another deployment: a valid code that is not ours.
  const foreign = await Server.start()
  await computer.page.goto(`${foreign.origin}/login`)
  const link = await computer.readCode()
  const phone = await newCameraPhone(await computer.page.screenshot({ type: 'jpeg' }))
  await phone.page.getByTestId('scan-tile').click()
  await expect(scanner(phone.page)).toContainText("That's not one of our codes.")
  await expect(scanner(phone.page)).toContainText(link.slice(0, 40))
  await expect(phone.page.getByRole('link', { name: /localhost/ })).toHaveCount(0)
  expect(new URL(phone.page.url()).pathname).toBe('/phone/scan')
  // It continues to scan.
  await expect(scanner(phone.page)).toHaveAttribute('data-state', 'scanning')
  await computer.expectState('ready')
  await computer.page.goto('about:blank')
  await foreign.dispose()
})

test('a photo of the screen is scanned; a photo without a code shows an error', async ({ computer, phone }) => {
  await computer.openLogin()
  await computer.readCode()
  await phone.page.getByTestId('scan-tile').click()
  const photo = phone.page.getByTestId('use-photo')
  const blank = { name: 'blank.png', mimeType: 'image/png', buffer: await phone.page.screenshot() }
  await photo.setInputFiles(blank)
  await expect(scanner(phone.page)).toContainText('There is no code in this picture.')
  await photo.setInputFiles({ name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('not a picture') })
  await expect(scanner(phone.page)).toContainText('There is no code in this picture.')
  const screen = { name: 'screen.png', mimeType: 'image/png', buffer: await computer.page.screenshot() }
  await photo.setInputFiles(screen)
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

test('a pasted link is scanned', async ({ computer, phone }) => {
  await computer.openLogin()
  const link = await computer.readCode()
  await phone.page.getByTestId('scan-tile').click()
  await phone.page.getByTestId('paste-link').click()
  await phone.page.getByTestId('paste-link').fill(link)
  await phone.page.keyboard.press('Enter')
  await phone.answer('approve')
  await computer.expectSignedIn('Ada Byron')
})

test('a refused, a missing and a busy camera have a state each', async ({ newPhone, newCameraPhone, computer }) => {
  await computer.page.goto(`${computer.server.origin}/nowhere`)
  const refused = await newCameraPhone(await computer.page.screenshot({ type: 'jpeg' }), { permissions: [] })
  await refused.page.getByTestId('scan-tile').click()
  await refused.page.getByTestId('use-camera').click()
  await expect(scanner(refused.page)).toHaveAttribute('data-state', 'blocked')

  const without = await newCameraPhone(null)
  await without.page.getByTestId('scan-tile').click()
  await expect(scanner(without.page)).toHaveAttribute('data-state', 'no_camera')

  const busy = await newPhone('lin')
  await busy.page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('in use', 'NotReadableError'))
  })
  await busy.page.getByTestId('scan-tile').click()
  await busy.page.getByTestId('use-camera').click()
  await expect(scanner(busy.page)).toHaveAttribute('data-state', 'busy')
})

test('without https the page shows that the camera needs it, and offers the link field', async ({ newCameraPhone }) => {
  const phone = await newCameraPhone(null)
  await phone.page.goto(`http://phone:${new URL(phone.server.origin).port}/phone/scan`)
  await expect(scanner(phone.page)).toHaveAttribute('data-state', 'needs_https')
  await expect(phone.page.getByTestId('paste-link')).toBeVisible()
})

test('only the page of the scanner may use the camera and run WebAssembly', async ({ request, server }) => {
  for (const path of ['/', '/login', '/q', '/phone', '/phone/scan', '/nowhere']) {
    const headers = (await request.get(server.origin + path, { maxRedirects: 0 })).headers()
    const isScanner = path === '/phone/scan'
    expect([path, headers['permissions-policy']]).toEqual([
      path,
      `camera=(${isScanner ? 'self' : ''}), microphone=(), geolocation=()`,
    ])
    expect([path, headers['content-security-policy']?.includes('wasm-unsafe-eval')]).toEqual([path, isScanner])
  }
})
