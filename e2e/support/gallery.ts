import type { BrowserContextOptions, Page } from '@playwright/test'
import { test as base, expect, watchedPage } from './test'

interface Fixtures {
  /** Opens the gallery in a new browser context. */
  openGallery: (options: BrowserContextOptions, query?: string) => Promise<Gallery>
}

/** The gallery, which shows one state after another without a reload. Needs `DEMO=1`. */
class Gallery {
  readonly page: Page
  readonly states: string[]

  constructor(page: Page, states: string[]) {
    this.page = page
    this.states = states
  }

  async show(state: string): Promise<void> {
    await this.page.evaluate((name) => {
      location.hash = encodeURIComponent(name)
    }, state)
    await this.page.waitForFunction((name) => document.documentElement.dataset.shown === name, state)
    await this.settle()
  }

  /** Finishes all animations, because axe cannot judge the contrast of transparent text. */
  async settle(): Promise<void> {
    await this.page.evaluate(async () => {
      for (const animation of document.getAnimations()) {
        const { effect } = animation
        const isEndless = effect?.getTiming().iterations === Number.POSITIVE_INFINITY
        // The countdown ring of a code stays.
        const isRing = effect instanceof KeyframeEffect && effect.target instanceof SVGPathElement
        if (!isEndless && !isRing) animation.finish()
      }
      await Promise.all([...document.images].map((image) => image.decode()))
    })
  }
}

export const test = base.extend<Fixtures>({
  openGallery: async ({ browser, server }, use) => {
    const opened: { close: () => Promise<void> }[] = []
    await use(async (options, query = '') => {
      const context = await browser.newContext(options)
      opened.push(context)
      const page = await watchedPage(context)
      await page.goto(`${server.origin}/dev/states${query}`)
      await page.getByTestId('state-link').first().waitFor()
      const links = await page
        .getByTestId('state-link')
        .evaluateAll((all) => all.map((link) => (link as HTMLAnchorElement).hash))
      const states = links.map((hash) => decodeURIComponent(hash.slice(1)))
      expect(states.length).toBeGreaterThan(50)
      return new Gallery(page, states)
    })
    for (const context of opened) await context.close()
  },
})

export { expect }
