// Takes the pictures of the README from the running app: `npm run build && npm run screenshots`.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, devices } from 'playwright'
import { findBrowser } from './browser.mjs'

const PORT = '3999'
const ORIGIN = `http://localhost:${PORT}`
const FOLDER = 'docs/pictures'
const DESK = { width: 1120, height: 780 }
const HAND = { width: 390, height: 780 }

const dataDir = mkdtempSync(join(tmpdir(), 'qr-login-pictures-'))
const env = { ...process.env, DEMO: '1', PORT, PUBLIC_ORIGIN: ORIGIN, DATA_DIR: dataDir, MATCH_POLICY: 'risk' }
const server = spawn(process.execPath, ['scripts/start.mjs'], { env, stdio: 'inherit' })
while (
  !(await fetch(`${ORIGIN}/api/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  ))
) {
  await new Promise((resolve) => setTimeout(resolve, 100))
}

const executablePath = findBrowser()
const browser = await chromium.launch({
  ...(executablePath === null ? {} : { executablePath }),
  args: ['--no-sandbox'],
})

/** @param {'light' | 'dark'} colorScheme */
async function takePath(colorScheme) {
  const desk = await browser.newContext({ viewport: DESK, deviceScaleFactor: 2, colorScheme, locale: 'en-US' })
  const hand = await browser.newContext({ ...devices['iPhone 14'], viewport: HAND, deviceScaleFactor: 2, colorScheme })
  const computer = await desk.newPage()
  const phone = await hand.newPage()
  await phone.goto(`${ORIGIN}/phone`)
  await phone.locator('[data-username="lin"]').click()
  await phone.getByTestId('scan-tile').waitFor()
  const started = computer.waitForResponse(
    (response) => response.url().endsWith('/api/qr') && response.status() === 201,
  )
  await computer.goto(`${ORIGIN}/login`)
  const { code } = await (await started).json()
  await computer.getByTestId('qr-code').waitFor()
  const login = await computer.screenshot({ path: `${FOLDER}/login-${colorScheme}.png` })
  await phone.goto(code.url)
  await phone.getByTestId('approve').waitFor()
  await computer.getByText('Hi, Lin Xia').first().waitFor()
  const scanned = await computer.screenshot({ path: `${FOLDER}/scanned-${colorScheme}.png` })
  const confirm = await phone.screenshot({ path: `${FOLDER}/confirm-${colorScheme}.png` })
  await desk.close()
  await hand.close()
  return { login, scanned, confirm }
}

/**
 * The three moments side by side.
 * @param {{ login: Buffer, scanned: Buffer, confirm: Buffer }} pictures
 */
async function compose({ login, scanned, confirm }) {
  const image = (/** @type {Buffer} */ bytes, /** @type {string} */ kind) =>
    `<img class="${kind}" src="data:image/png;base64,${bytes.toString('base64')}">`
  const page = await browser.newPage({ viewport: { width: 1328, height: 460 }, deviceScaleFactor: 1 })
  await page.setContent(`<style>
    body { margin: 0; padding: 28px; display: flex; gap: 24px; background: #dfe0d8; align-items: center; }
    img { display: block; height: 340px; border: 8px solid #1b2130; border-radius: 16px; }
    .hand { height: 400px; border-radius: 36px; }
    </style>${image(login, 'desk')}${image(confirm, 'hand')}${image(scanned, 'desk')}`)
  await page.locator('body').screenshot({ path: `${FOLDER}/path.png` })
}

await compose(await takePath('light'))
await takePath('dark')
await browser.close()
server.kill('SIGTERM')
rmSync(dataDir, { recursive: true, force: true })
