import { type ChildProcess, spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AppServer } from '@/test/support/app-server'
import { freePort } from '@/test/support/free-port'
import { until } from '@/test/support/until'
import { openWithPhone, signedInPhone, signInWithPhone, UserAgent } from '@/test/support/user-agent'

/** The sample app of this guide, in a process of its own, in front of a real qr-login. */

const SECRET = 'a-secret-of-a-test-that-is-long-enough'

let server: AppServer
let phone: UserAgent
let app: string
/** qr-login as the browsers open it. */
let login: string
let child: ChildProcess

const clientOf = (url: string) => ({
  client_id: 'sample',
  client_secret: SECRET,
  client_name: 'Sample app',
  client_uri: `${url}/`,
  redirect_uris: [`${url}/callback`],
  post_logout_redirect_uris: [`${url}/`],
})

beforeAll(async () => {
  const port = await freePort()
  app = `http://localhost:${port}`
  server = await AppServer.start({ clients: [clientOf(app)] })
  login = server.origin.replace('127.0.0.1', 'localhost')
  phone = await signedInPhone(login)
  const env = {
    PATH: process.env.PATH,
    QR_LOGIN_ISSUER: server.issuer,
    QR_LOGIN_CLIENT_ID: 'sample',
    QR_LOGIN_CLIENT_SECRET: SECRET,
    // As in the demo: browsers open qr-login under another name than that of the issuer.
    QR_LOGIN_BROWSER_ORIGIN: login,
    APP_URL: app,
    PORT: String(port),
  } as unknown as NodeJS.ProcessEnv
  child = spawn(process.execPath, ['docs/guides/apps/sample-app.mjs'], { env, stdio: ['ignore', 'inherit', 'inherit'] })
  await until(() =>
    fetch(`http://127.0.0.1:${port}`).then(
      () => true,
      () => false,
    ),
  )
})
afterAll(async () => {
  child.kill('SIGKILL')
  await server.stop()
})

const POST = { method: 'POST', headers: { 'Sec-Fetch-Site': 'same-origin' } }
const pageOf = async (computer: UserAgent) => await (await computer.fetch(`${app}/`)).text()

async function signIn(computer: UserAgent): Promise<string> {
  const sent = await computer.fetch(`${app}/sign-in`, POST)
  const url = sent.headers.get('location') ?? ''
  expect(url.startsWith(`${login}/oidc/auth?`)).toBe(true)
  const { response } = await openWithPhone(computer, phone, url)
  return (await response?.text()) ?? ''
}

test('shows name, picture, email and groups of the person who signs in with the phone', async () => {
  const computer = new UserAgent()
  expect(await pageOf(computer)).toContain('<button>Sign in</button>')
  const page = await signIn(computer)
  for (const text of ['Ada Byron', `${server.origin}/avatars/ada.svg`, 'ada@example.com', 'Groups: admins', 'Sign out'])
    expect(page).toContain(text)
})

test('is in Chinese for a browser that asks for it', async () => {
  const page = await signIn(new UserAgent('zh-CN'))
  expect(page).toContain('<html lang="zh-CN">')
  for (const text of ['示例应用', '群组: admins', '退出登录']) expect(page).toContain(text)
})

test('signs out of the computer too, without a question, and comes back', async () => {
  const computer = new UserAgent()
  await signIn(computer)
  const { url, response } = await computer.open(`${app}/sign-out`, undefined, POST)
  expect(url).toBe(`${app}/`)
  expect(await response?.text()).toContain('<button>Sign in</button>')
  expect(await computer.call('GET', `${login}/api/session`)).toEqual({ signedIn: false })
})

test('a person who is signed out on the phone is signed out in the app', async () => {
  const computer = new UserAgent()
  await signIn(computer)
  await phone.call('DELETE', `${login}/api/sessions?as=phone`)
  expect(await pageOf(computer)).toContain('<button>Sign in</button>')
})

test('a person who removes the app on the phone is signed out in it', async () => {
  const computer = new UserAgent()
  await signIn(computer)
  await phone.call('DELETE', `${login}/api/apps/sample`)
  expect(await pageOf(computer)).toContain('<button>Sign in</button>')
})

describe('a response that is refused gives no session', () => {
  test('because the person goes back without a sign-in', async () => {
    const computer = new UserAgent('en')
    const sent = await computer.fetch(`${app}/sign-in`, POST)
    const { url } = await computer.open(sent.headers.get('location') ?? '', (at) => at.includes('/login?'))
    const { origin, searchParams } = new URL(url)
    const path = `/api/interactions/${searchParams.get('interaction')}/decline`
    const { next } = await computer.call<{ next: string }>('POST', origin + path)
    const { response } = await computer.open(origin + next)
    expect([response?.status, await response?.text()]).toEqual([
      400,
      expect.stringContaining('You were not signed in.'),
    ])
  })

  test('because another browser has begun it', async () => {
    const computer = new UserAgent()
    const sent = await computer.fetch(`${app}/sign-in`, POST)
    const { url } = await computer.open(sent.headers.get('location') ?? '', (at) => at.includes('/login?'))
    const { origin, searchParams } = new URL(url)
    const { next = '' } = await signInWithPhone(origin, computer, phone, searchParams.get('interaction') ?? '')
    const { url: callback } = await computer.open(origin + next, (at) => at.startsWith(`${app}/callback`))
    const other = new UserAgent()
    await other.fetch(`${app}/sign-in`, POST)
    const refused = await other.fetch(callback)
    expect([refused.status, refused.headers.getSetCookie()]).toEqual([400, []])
  })
})
