import { connect } from 'node:net'
import { CspEvaluator } from 'csp_evaluator/dist/evaluator.js'
import { type Finding, Severity } from 'csp_evaluator/dist/finding.js'
import { CspParser } from 'csp_evaluator/dist/parser.js'
import { Agent } from './support/agent'
import { Server } from './support/server'
import { expect, test, until } from './support/test'

const PAGES = ['/', '/login', '/q', '/phone', '/phone/scan', '/nowhere', '/login/nowhere']
const FILES = [
  '/icon.svg',
  '/manifest.webmanifest',
  '/avatars/ada.svg',
  '/_next/static/nowhere.js',
  '/_next/image?url=x',
]
const API = ['/api/session', '/api/qr', '/api/nowhere', '/api/qr/%', '/api/health/live']

function evaluate(policy: string): Finding[] {
  return new CspEvaluator(new CspParser(policy).csp).evaluate()
}

/** Expects the headers that every response must have. */
function expectSecurityHeaders(path: string, headers: Headers): void {
  expect([path, headers.get('x-content-type-options')]).toEqual([path, 'nosniff'])
  expect([path, headers.get('referrer-policy')]).toEqual([path, 'no-referrer'])
  // Apps show the picture of a person.
  const embeddable = path.startsWith('/avatars/') ? 'cross-origin' : 'same-origin'
  expect([path, headers.get('cross-origin-resource-policy')]).toEqual([path, embeddable])
  expect([path, headers.get('cross-origin-opener-policy')]).toEqual([path, 'same-origin'])
  expect([path, headers.get('permissions-policy')]).toEqual([path, expect.stringContaining('microphone=()')])
  const policy = headers.get('content-security-policy') ?? ''
  expect([path, policy]).toEqual([path, expect.stringContaining("default-src 'none'")])
  expect([path, policy]).toEqual([path, expect.stringContaining("frame-ancestors 'none'")])
  // Two policies in one response would both apply, and block every script.
  expect([path, policy.split('frame-ancestors').length]).toEqual([path, 2])
  expect([path, headers.get('x-powered-by')]).toEqual([path, null])
}

test('every response has the security headers: pages, errors, files and the API', async ({ server }) => {
  for (const path of [...PAGES, ...FILES, ...API]) {
    const response = await fetch(server.origin + path, { redirect: 'manual' })
    expectSecurityHeaders(path, response.headers)
    expect(response.headers.get('strict-transport-security')).toBeNull()
    expect([path, response.status < 500]).toEqual([path, true])
    await response.text()
  }
})

test('csp_evaluator finds no severe problem in any policy', async ({ server }) => {
  // The evaluator works: it reports a dangerous policy.
  expect(evaluate("script-src 'unsafe-inline' *").some(({ severity }) => severity === Severity.HIGH)).toBe(true)
  for (const path of [...PAGES, '/api/session']) {
    const { headers } = await fetch(server.origin + path, { redirect: 'manual' })
    const found = evaluate(headers.get('content-security-policy') ?? '')
    const severe = found.filter(({ severity }) => severity <= Severity.HIGH_MAYBE)
    expect([path, severe.map(({ description }) => description)]).toEqual([path, []])
  }
})

test('with an https origin every response has HSTS, and cookies are Secure and __Host-', async () => {
  const server = await Server.start({ PUBLIC_ORIGIN: 'https://login.example.com' })
  for (const path of [...PAGES, ...FILES, ...API]) {
    const { headers } = await fetch(server.origin + path, { redirect: 'manual' })
    expectSecurityHeaders(path, headers)
    expect([path, headers.get('strict-transport-security')]).toEqual([path, 'max-age=63072000'])
  }
  const started = await fetch(`${server.origin}/api/qr`, {
    method: 'POST',
    headers: { 'Sec-Fetch-Site': 'same-origin' },
  })
  expect(started.headers.getSetCookie()[0]).toMatch(
    /^__Host-qr_browser=.*; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
  )
  await server.dispose()
})

test('a 5xx has the security headers and no internal details', async () => {
  const server = await Server.start()
  const phone = new Agent(server.origin)
  await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
  server.corruptStore()
  await until(async () => (await phone.open('GET', '/phone')).status >= 500)
  for (const path of ['/phone', '/q', '/api/phone/session']) {
    const response = await phone.open('GET', path)
    expectSecurityHeaders(path, response.headers)
    expect([path, response.status >= 500]).toEqual([path, true])
    expect(await response.text()).not.toMatch(/SQLITE|node_modules|\n\s+at /)
  }
  await server.dispose()
})

test('a foreign host name gets 404; addresses and health checks are served', async ({ server }) => {
  const send = (host: string, path: string, method = 'GET') =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(server.port, '127.0.0.1', () => {
        const lines = [
          `${method} ${path} HTTP/1.1`,
          `Host: ${host}`,
          'Sec-Fetch-Site: same-origin',
          'Content-Length: 0',
        ]
        socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`)
      })
      let text = ''
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      socket.on('end', () => resolve(text))
      socket.on('error', reject)
    })
  const statusOf = async (...args: Parameters<typeof send>) => Number((await send(...args)).split(' ')[1])
  expect(await statusOf('evil.example', '/login')).toBe(404)
  expect(await statusOf('evil.example', '/api/session')).toBe(404)
  expect(await statusOf('evil.example', '/api/qr', 'POST')).toBe(404)
  expect(await send('evil.example', '/api/qr', 'POST')).not.toMatch(/set-cookie/i)
  expect(await statusOf('evil.example', '/api/health/ready')).toBe(200)
  for (const host of [`localhost:${server.port}`, `127.0.0.1:${server.port}`, 'upstream']) {
    expect(await statusOf(host, '/login')).toBe(200)
    expect(await statusOf(host, '/api/qr', 'POST')).toBe(201)
  }
})

test('of 100 concurrent starts from one address exactly 60 are granted, over real connections', async () => {
  const server = await Server.start({ RATE_LIMIT_SCALE: '1' })
  const start = () => fetch(`${server.origin}/api/qr`, { method: 'POST', headers: { 'Sec-Fetch-Site': 'same-origin' } })
  const responses = await Promise.all(Array.from({ length: 100 }, start))
  expect(responses.filter(({ status }) => status === 201)).toHaveLength(60)
  const refused = responses.filter(({ status }) => status === 429)
  expect(refused).toHaveLength(40)
  for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  await server.dispose()
})

test('X-Forwarded-For of a client does not evade the limits; that of a trusted proxy counts', async () => {
  const direct = await Server.start({ RATE_LIMIT_SCALE: '0.1' })
  const proxied = await Server.start({ RATE_LIMIT_SCALE: '0.1', TRUSTED_PROXIES: '127.0.0.0/8,::1' })
  const start = async (server: Server, forwarded: string) => {
    const headers = { 'Sec-Fetch-Site': 'same-origin', 'X-Forwarded-For': forwarded }
    return (await fetch(`${server.origin}/api/qr`, { method: 'POST', headers })).status
  }
  const many = async (server: Server, forwarded: (index: number) => string) => {
    const statuses = await Promise.all(Array.from({ length: 30 }, (_, index) => start(server, forwarded(index))))
    return statuses.filter((status) => status === 201).length
  }
  expect(await many(direct, (index) => `198.51.100.${index}`)).toBe(6)
  expect(await many(proxied, (index) => `198.51.100.${index}`)).toBe(30)
  expect(await many(proxied, (index) => `203.0.113.${index}, 198.51.100.200`)).toBe(6)
  await direct.dispose()
  await proxied.dispose()
})
