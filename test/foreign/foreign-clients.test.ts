import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv, promisify } from 'node:util'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AppServer } from '../support/app-server'
import { freePort } from '../support/free-port'
import { openWithPhone, signedInPhone, UserAgent } from '../support/user-agent'
import { type ForeignApp, ForeignApps, hasApache, writeApacheConfig } from './foreign-app'
import { Navigator } from './navigator'

/** Each app is the snippet of its guide, unchanged, with the settings that add-client prints. */
const SNIPPETS = 'docs/guides/apps/snippets'
const PYTHON = '/usr/bin/python3'
const hasAuthlib = spawnSync(PYTHON, ['-c', 'import authlib, requests']).status === 0
const hasGo = existsSync('/usr/bin/go') && existsSync('/usr/share/gocode/src/github.com/coreos/go-oidc')

const JWT = {
  PHONE_JWT_SECRET: 'a secret of the native app of a test that is long enough',
  PHONE_JWT_ISSUER: 'https://auth.example.com',
  PHONE_JWT_AUDIENCE: 'qr-login',
}

let foreign: ForeignApps
let server: AppServer
let phone: UserAgent
const apps = new Map<string, ForeignApp>()
beforeAll(async () => {
  const port = await freePort()
  foreign = new ForeignApps(`http://127.0.0.1:${port}`)
  for (const target of ['openid-client', 'authjs', 'better-auth', 'apache']) apps.set(target, await foreign.add(target))
  for (const name of ['authlib', 'go-oidc']) apps.set(name, await foreign.add('openid-client', name))
  server = await AppServer.start({ clients: foreign.clients, port, env: JWT })
  phone = await signedInPhone(server.origin)
}, 60_000)
afterAll(async () => {
  await foreign.stop()
  await server.stop()
})

/** A file of settings. The port is the app's own. */
function readSettings(file: string): Record<string, string> {
  const { PORT: _, ...settings } = parseEnv(readFileSync(file, 'utf8')) as Record<string, string>
  return settings
}

const appOf = (name: string) => apps.get(name) as ForeignApp

async function startNode(name: string): Promise<ForeignApp> {
  const app = appOf(name)
  await foreign.start(
    app,
    process.execPath,
    [`--env-file=${join(app.folder, `${name}.env`)}`, `${SNIPPETS}/${name}.mjs`],
    {
      BETTER_AUTH_TELEMETRY: '0',
    },
  )
  return app
}

/** Opens a page of the app as a browser does, and signs in by the phone where that is asked for. */
async function open(computer: UserAgent, url: string) {
  const { response, signIn, url: last } = await openWithPhone(computer, phone, url)
  return { status: response?.status, text: (await response?.text()) ?? '', name: signIn?.review.app?.name, url: last }
}

describe('openid-client with Express', () => {
  test('signs a person in, and out again', async () => {
    const { url } = await startNode('openid-client')
    const computer = new UserAgent()
    expect((await open(computer, `${url}/`)).status).toBe(401)
    const { status, text, name } = await open(computer, `${url}/sign-in`)
    expect({ status, name }).toEqual({ status: 200, name: 'openid-client' })
    expect(JSON.parse(text)).toEqual({ id: 'ada', name: 'Ada Byron', email: 'ada@example.com', groups: ['admins'] })
    const out = await computer.open(`${url}/sign-out`, undefined, { method: 'POST' })
    expect({ url: out.url, status: out.response?.status }).toEqual({ url: `${url}/`, status: 401 })
    const session = await computer.call<{ signedIn: boolean }>('GET', `${server.origin}/api/session`)
    expect(session.signedIn).toBe(false)
  })
})

describe('Auth.js with Express', () => {
  test('signs a person in', async () => {
    const { url } = await startNode('authjs')
    const computer = new UserAgent()
    expect((await open(computer, `${url}/`)).status).toBe(401)
    const { csrfToken } = await computer.call<{ csrfToken: string }>('GET', `${url}/auth/csrf`)
    const body = new URLSearchParams({ csrfToken, callbackUrl: `${url}/` })
    const response = await computer.fetch(`${url}/auth/signin/qr-login`, { method: 'POST', body })
    const { status, text } = await open(computer, response.headers.get('location') ?? '')
    expect(status).toBe(200)
    expect(JSON.parse(text)).toMatchObject({
      id: 'ada',
      name: 'Ada Byron',
      email: 'ada@example.com',
      groups: ['admins'],
    })
  })
})

describe('better-auth', () => {
  test('signs a person in', async () => {
    const { url } = await startNode('better-auth')
    const computer = new UserAgent()
    expect((await open(computer, `${url}/`)).status).toBe(401)
    const { status, text } = await open(computer, `${url}/sign-in`)
    expect(status).toBe(200)
    expect(JSON.parse(text)).toMatchObject({ name: 'Ada Byron', email: 'ada@example.com', emailVerified: true })
    // Without an email address the browser ends at its error page.
    const { url: last } = await openWithPhone(new UserAgent(), new NativePhone(), `${url}/sign-in`)
    expect(new URL(last).searchParams.get('error')).toBe('email_not_found')
  })
})

/** A native app, whose person has no email address. */
class NativePhone extends UserAgent {
  protected override async send(url: string, init: RequestInit): Promise<Response> {
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      sub: 'mei',
      name: 'Mei Tan',
      iss: JWT.PHONE_JWT_ISSUER,
      aud: JWT.PHONE_JWT_AUDIENCE,
      exp: now + 60,
    }
    const key = new TextEncoder().encode(JWT.PHONE_JWT_SECRET)
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(key)
    const headers = new Headers(init.headers)
    headers.set('Authorization', `Bearer ${token}`)
    return await super.send(url, { ...init, headers })
  }
}

describe.skipIf(process.env.CI === undefined && !hasAuthlib)('Authlib', () => {
  test('signs a person in', async () => {
    const app = appOf('authlib')
    const settings = join(app.folder, 'openid-client.env')
    await foreign.start(app, PYTHON, [`${SNIPPETS}/authlib_app.py`], readSettings(settings))
    const computer = new UserAgent()
    const { status, text } = await open(computer, `${app.url}/sign-in`)
    expect(status).toBe(200)
    expect(JSON.parse(text)).toEqual({ sub: 'ada', name: 'Ada Byron', email: 'ada@example.com', groups: ['admins'] })
  })
})

describe.skipIf(!hasGo)('go-oidc', () => {
  test('signs a person in', async () => {
    const app = appOf('go-oidc')
    const program = join(app.folder, 'app')
    const env = { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '', GOPROXY: 'off' }
    await promisify(execFile)('/usr/bin/go', ['build', '-o', program, `${SNIPPETS}/go_oidc.go`], { env })
    await foreign.start(app, program, [], readSettings(join(app.folder, 'openid-client.env')))
    const { status, text } = await open(new UserAgent(), `${app.url}/sign-in`)
    expect(status).toBe(200)
    expect(JSON.parse(text)).toEqual({ sub: 'ada', name: 'Ada Byron', email: 'ada@example.com', groups: ['admins'] })
  }, 120_000)
})

describe.skipIf(process.env.CI === undefined && !hasApache)('Apache with mod_auth_openidc', () => {
  test('signs a person in, and hands the claims to the app', async () => {
    const app = appOf('apache')
    await foreign.start(app, '/usr/sbin/apache2', ['-X', '-f', writeApacheConfig(app)])
    const computer = new Navigator()
    await open(computer, `${app.url}/`)
    // A header of the client with such a name changes nothing.
    const response = await computer.fetch(`${app.url}/`, { headers: { OIDC_CLAIM_groups: 'evil' } })
    expect(await response.text()).toBe('ada|Ada Byron|ada@example.com|admins')
    expect((await fetch(`${app.url}/`, { redirect: 'manual' })).status).toBe(401)
  })
})
