import { decodeTwice } from './support/decode'
import { expect, test } from './support/gallery'
import { watchedPage } from './support/test'

test.use({ settings: { DEMO: '1' } })
test.describe.configure({ timeout: 180_000 })

const WINDOW = { width: 1280, height: 800 }

for (const colorScheme of ['light', 'dark'] as const) {
  for (const dpr of [1, 2]) {
    for (const zoom of [0.8, 1, 2]) {
      test(`two decoders read the code: ${colorScheme}, DPR ${dpr}, zoom ${zoom * 100} %`, async ({
        browser,
        server,
      }) => {
        // Equivalent to browser zoom: fewer and larger CSS pixels.
        const context = await browser.newContext({
          viewport: { width: WINDOW.width / zoom, height: WINDOW.height / zoom },
          deviceScaleFactor: dpr * zoom,
          colorScheme,
        })
        const page = await watchedPage(context)
        const started = page.waitForResponse((response) => response.url().endsWith('/api/qr'))
        await page.goto(`${server.origin}/login`)
        const { code } = (await (await started).json()) as { code: { url: string } }
        await page.getByTestId('qr-code').waitFor()
        const { zxing, zbar } = await decodeTwice(await page.screenshot({ fullPage: true }))
        expect(zxing).toEqual([code.url])
        expect(zbar).toEqual([code.url])
        await context.close()
      })
    }
  }
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`no decoder reads a code in any state but ready and reconnecting: ${colorScheme}`, async ({ openGallery }) => {
    const gallery = await openGallery({ viewport: WINDOW, colorScheme })
    const shown: string[] = []
    for (const state of gallery.states.filter((name) => name.startsWith('login/'))) {
      await gallery.show(state)
      const { zxing, zbar } = await decodeTwice(await gallery.page.screenshot())
      if (zxing.length > 0 && zbar.length > 0) shown.push(state)
      else expect([state, zxing, zbar]).toEqual([state, [], []])
    }
    // Reconnecting shows the code while it is valid.
    expect(shown).toEqual(['login/ready', 'login/reconnecting'])
  })
}
