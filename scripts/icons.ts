// Draws the icons of the installable phone app from the mark: `npm run icons`.
import { mkdirSync } from 'node:fs'
import { chromium } from 'playwright'
import { findBrowser } from './browser'

const FOLDER = 'public/icons'
const MARK = `<rect x="2.5" y="2.5" width="29" height="29" rx="8" fill="none" stroke="#fcfcf9" stroke-width="5"/>
  <rect x="11" y="11" width="12" height="12" rx="3.5" fill="#54cfa6"/>`

mkdirSync(FOLDER, { recursive: true })
const executablePath = findBrowser()
const browser = await chromium.launch({
  ...(executablePath === null ? {} : { executablePath }),
  args: ['--no-sandbox'],
})

/**
 * `size` in pixels; `share`: the part of the side that the mark takes; `radius` of the corners, as
 * a part of the side.
 */
async function draw(name: string, size: number, share: number, radius: number): Promise<void> {
  const page = await browser.newPage({ viewport: { width: size, height: size } })
  const mark = Math.round(size * share)
  const at = (size - mark) / 2
  await page.setContent(`<style>body { margin: 0 }</style>
    <svg width="${size}" height="${size}" style="display: block">
      <rect width="${size}" height="${size}" rx="${size * radius}" fill="#10141c"/>
      <svg x="${at}" y="${at}" width="${mark}" height="${mark}" viewBox="0 0 34 34">${MARK}</svg>
    </svg>`)
  await page.screenshot({ path: `${FOLDER}/${name}.png`, omitBackground: true })
  await page.close()
}

await draw('180', 180, 0.56, 0)
await draw('192', 192, 0.56, 0.27)
await draw('512', 512, 0.56, 0.27)
// A launcher crops a maskable icon to its own shape: the mark stays within the central 80 %.
await draw('maskable-512', 512, 0.46, 0)
await browser.close()
