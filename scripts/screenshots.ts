// Takes the pictures of docs/screens.md and the README from the running app: `npm run build
// && npm run screenshots`.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, devices } from 'playwright'
import { findBrowser } from './browser'

const PORT = '3999'
const ORIGIN = `http://localhost:${PORT}`
const FOLDER = 'docs/pictures'
const LANGUAGES = ['en', 'zh'] as const
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

type Language = (typeof LANGUAGES)[number]

/** Pictures of a sign-in, and the frames in which the code becomes a portrait. */
interface Pictures {
  login: Buffer
  confirm: Buffer
  home: Buffer
  frames: Buffer[]
}

async function takePath(colorScheme: 'light' | 'dark', language: Language): Promise<Pictures> {
  const locale = language === 'zh' ? 'zh-CN' : 'en-US'
  const pathOf = (name: string) => `${FOLDER}/${language}/${name}-${colorScheme}.png`
  const desk = await browser.newContext({ viewport: DESK, deviceScaleFactor: 1.5, colorScheme, locale })
  const hand = await browser.newContext({
    ...devices['iPhone 14'],
    viewport: HAND,
    deviceScaleFactor: 1.5,
    colorScheme,
    locale,
  })
  const computer = await desk.newPage()
  const phone = await hand.newPage()
  await phone.goto(`${ORIGIN}/phone`)
  await phone.locator('[data-username="lin"]').click()
  await phone.getByTestId('scan-tile').waitFor()
  const started = computer.waitForResponse(
    (response) => response.url().endsWith('/api/qr') && response.status() === 201,
  )
  await computer.goto(`${ORIGIN}/login`)
  const { code } = (await (await started).json()) as { code: { url: string } }
  await computer.getByTestId('qr-code').waitFor()
  const login = await computer.screenshot({ path: pathOf('login') })

  // The page's clock is paused while the frames are taken.
  await computer.clock.install()
  await computer.clock.pauseAt(Date.now() + 500)
  await phone.goto(code.url)
  await phone.getByTestId('approve').waitFor()
  const confirm = await phone.screenshot({ path: pathOf('confirm') })
  await computer.locator('[data-state="scanned"]').waitFor()
  const frames: Buffer[] = []
  for (const ms of [160, 80, 60, 60, 100]) {
    await computer.clock.runFor(ms)
    frames.push(await computer.getByTestId('qr-panel').locator('> div').first().screenshot())
  }
  await computer.clock.resume()
  await computer.locator('canvas').waitFor({ state: 'hidden' })
  await computer.screenshot({ path: pathOf('scanned') })

  // Longer than the guard against accidental taps.
  await phone.waitForTimeout(1_000)
  await phone.getByTestId('approve').click()
  await computer.getByTestId('session-row').waitFor()
  const home = await computer.screenshot({ path: pathOf('home') })
  await phone.goto(`${ORIGIN}/phone`)
  await phone.getByTestId('session-row').waitFor()
  await phone.screenshot({ path: pathOf('phone') })
  await phone.evaluate(() => fetch('/api/sessions?as=phone', { method: 'DELETE' }))
  await desk.close()
  await hand.close()
  return { login, confirm, frames, home }
}

/** The steps of a sign-in side by side, and the frames side by side. */
async function compose({ login, confirm, frames, home }: Pictures, language: Language): Promise<void> {
  const image = (bytes: Buffer, kind: string) =>
    `<img class="${kind}" src="data:image/png;base64,${bytes.toString('base64')}">`
  const style = `<style>
    body { margin: 0; background: #e9e9e0; }
    div { display: flex; gap: 24px; align-items: center; justify-content: center; padding: 28px; }
    img { display: block; height: 280px; border-radius: 18px; box-shadow: 0 12px 32px #10141c2e; }
    .hand { height: 440px; border: 7px solid #10141c; border-radius: 40px; }
    .frame { height: 190px; border-radius: 51px; box-shadow: none; }
  </style>`
  const page = await browser.newPage({ viewport: { width: 1180, height: 400 }, deviceScaleFactor: 1.5 })
  const desks = [image(login, 'desk'), image(confirm, 'hand'), image(home, 'desk')]
  await page.setContent(`${style}<div>${desks.join('')}</div>`)
  await page.locator('div').screenshot({ path: `${FOLDER}/${language}/path.png` })
  await page.setViewportSize({ width: 1180, height: 400 })
  await page.setContent(`${style}<div>${frames.map((frame) => image(frame, 'frame')).join('')}</div>`)
  await page.locator('div').screenshot({ path: `${FOLDER}/${language}/becoming.png` })
}

for (const language of LANGUAGES) {
  await compose(await takePath('light', language), language)
  await takePath('dark', language)
}
await browser.close()
server.kill('SIGTERM')
rmSync(dataDir, { recursive: true, force: true })
