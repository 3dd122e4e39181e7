import { connect, type Socket } from 'node:net'
import { freePort, Server } from './support/server'
import { expect, test } from './support/test'

/**
 * Sends the header section of a request, with any request target (RFC 9112, section 3.2). Returns
 * the raw response; '' if the connection is closed without one.
 */
function write(port: number, lines: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(`${lines.join('\r\n')}\r\n\r\n`))
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}

interface RawResponse {
  status: number
  location: string | null
  head: string
  text: string
}

for (const kind of ['ours', 'next'] as const) {
  test.describe(`request targets: ${kind}`, () => {
    let server: Server
    /** The authority of the public origin. */
    let own: string

    test.beforeAll(async () => {
      server = new Server(await freePort(), {}, { server: kind })
      await server.start()
      own = new URL(server.origin).host
    })
    test.afterAll(async () => await server.dispose())

    async function send(
      target: string,
      { method = 'GET', host = own, headers = [] as string[] } = {},
    ): Promise<RawResponse> {
      const line = `${method} ${target} HTTP/1.1`
      const response = await write(server.port, [line, `Host: ${host}`, ...headers, 'Connection: close'])
      const [head = '', text = ''] = response.split('\r\n\r\n')
      const location = /^location: (.*)$/im.exec(head)?.[1] ?? null
      return { status: Number(head.split(' ')[1]), location, head, text }
    }

    test('absolute-form with our own authority is served, whatever Host is', async () => {
      for (const host of [own, 'evil.example']) {
        const page = await send(`http://${own}/login`, { host })
        expect(page.status).toBe(200)
        expect(page.text).toContain('<html')
        expect(await send(`http://${own}/login/?x=1`, { host })).toMatchObject({ status: 308, location: '/login?x=1' })
        expect((await send(`HTTP://${own.toUpperCase()}/api/session`, { host })).text).toContain('"signedIn":false')
        expect((await send(`http://127.0.0.1:${server.port}/api/health/live`, { host })).status).toBe(200)
        const started = await send(`http://${own}/api/qr`, { host, method: 'POST', headers: ['Content-Length: 0'] })
        expect(started.status).toBe(201)
        expect(started.location).toMatch(/^\/api\/qr\/[\w-]+$/)
        for (const bare of [`http://${own}`, `http://${own}/`, `http://${own}?x`]) {
          expect(await send(bare, { host })).toMatchObject({ status: 307, location: '/login' })
        }
      }
    })

    test('absolute-form with another authority or scheme is refused, without a redirect', async () => {
      for (const authority of ['evil.example', `${own}.evil.example`, `${own}@evil.example`, `evil.example@${own}`]) {
        for (const path of ['/login', '/login/', '', '//login', '/api/session', '/api/health/live', '/icon.svg']) {
          expect(await send(`http://${authority}${path}`)).toMatchObject({ status: 404, location: null })
        }
      }
      for (const scheme of ['ftp', 'ws', 'file']) {
        expect([404, 400]).toContain((await send(`${scheme}://${own}/login`)).status)
      }
      const { head, text } = await send('http://evil.example/api/session')
      expect(head).toMatch(/^content-type: application\/problem\+json/im)
      expect(text).toContain('"code":"not_found"')
    })

    test('* and authority-form are refused', async () => {
      for (const method of ['OPTIONS', 'GET', 'POST']) expect((await send('*', { method })).status).toBe(404)
      for (const target of ['evil.example:443', own, 'localhost:443']) {
        const { status, head } = await send(target, { method: 'CONNECT' })
        expect(status).toBe(404)
        expect(head).toMatch(/^x-content-type-options: nosniff/im)
        // Refused by Node's parser.
        expect((await send(target)).status).toBe(400)
      }
      expect((await send('/login')).status).toBe(200)
    })

    test('a client that resets a CONNECT request does not stop the server', async () => {
      for (let times = 0; times < 20; times += 1) {
        await new Promise<void>((resolve) => {
          const socket = connect(server.port, '127.0.0.1', () => {
            socket.write(`CONNECT ${own} HTTP/1.1\r\nHost: ${own}\r\n\r\n`)
            socket.resetAndDestroy()
          })
          socket.on('error', () => {})
          socket.on('close', () => resolve())
        })
      }
      expect((await send('/api/health/live')).status).toBe(200)
    })

    test('a foreign Host gets the two health checks, and no other spelling of their paths', async () => {
      const host = 'evil.example'
      for (const path of ['/api/health/live', '/api/health/ready', '/api/health/ready?x']) {
        expect((await send(path, { host })).status).not.toBe(404)
      }
      for (const path of [
        '/api/health/../../login',
        '/api/health/%2e%2e/%2e%2e/login',
        '/api/health/live/../../session',
        '/api/health/live/',
        '/api/health/nowhere',
        '/api/health//live',
        '/api/health',
        '/login',
      ]) {
        const response = await send(path, { host })
        expect([path, response.status, response.location]).toEqual([path, 404, null])
      }
    })

    test('the image optimiser is 404 for every query and spelling', async () => {
      for (const query of [
        '',
        '?url=x',
        '?url=%2Ficons%2F192.png&w=64&q=75',
        '?url=http://evil.example/x.png&w=64&q=75',
      ]) {
        for (const path of [
          '/_next/image',
          '/_next/image/',
          '/_next/./image',
          '/_next/static/../image',
          '/_next/%69mage',
        ]) {
          const response = await send(path + query)
          expect([path + query, response.status, response.location]).toEqual([path + query, 404, null])
        }
      }
    })

    test('no redirect names another authority', async () => {
      const parts = [
        '/',
        '//',
        '\\',
        '/%2f',
        '/%5c',
        '/.',
        '/..',
        '/%2e%2e',
        'evil.example',
        '@evil.example',
        ':80',
        '?',
        '/login',
      ]
      const targets = parts.flatMap((a) => parts.flatMap((b) => parts.map((c) => a + b + c)))
      const listed = [
        '//evil.example/',
        '/\\evil.example',
        '///x/..',
        'http://evil.example/login/',
        '/login/',
        '/%2f/x/',
      ]
      const paths = [...listed, ...targets.filter((target) => target.startsWith('/')).map((target) => `${target}/`)]
      let redirects = 0
      for (const target of paths) {
        const { status, location, head } = await send(target)
        expect([target, status >= 200 && status < 500]).toEqual([target, true])
        const named = [location, /^refresh: \d+;url=(.*)$/im.exec(head)?.[1]].filter((url) => typeof url === 'string')
        redirects += named.length
        for (const url of named) {
          expect([target, url, new URL(url, server.origin).origin]).toEqual([target, url, server.origin])
        }
      }
      expect(redirects).toBeGreaterThan(100)
    })

    test('no redirect names another authority that a header contains', async () => {
      const headers = [
        'X-Forwarded-Host: evil.example',
        'X-Forwarded-Proto: https',
        'Forwarded: host=evil.example',
        'X-Original-URL: http://evil.example/',
        'X-Rewrite-URL: http://evil.example/',
        'X-Middleware-Rewrite: http://evil.example/',
        'X-Invoke-Path: http://evil.example/',
        'X-Matched-Path: http://evil.example/',
        'Next-Url: http://evil.example/',
        'X-Nextjs-Data: 1',
        'RSC: 1',
      ]
      for (const host of [own, 'evil.local', 'evil', '192.0.2.1']) {
        for (const header of headers) {
          for (const path of ['/', '/login/', '/phone/scan/', '//login']) {
            const { location, head } = await send(path, { host, headers: [header] })
            expect([path, header, location]).toEqual([path, header, expect.stringMatching(/^\/(?![/\\])/)])
            expect([path, header, head]).toEqual([path, header, expect.not.stringContaining('evil')])
          }
        }
      }
    })

    test('no response contains the internal headers of the server', async () => {
      for (const path of ['/login', '/q', '/phone', '/nowhere', '/api/session', '/api/nowhere', '/icon.svg']) {
        const { head, text } = await send(path, { headers: ['RSC: 1'] })
        expect(head + text).not.toMatch(/x-qr-login/i)
        const page = await send(path)
        expect(page.head + page.text).not.toMatch(/x-qr-login/i)
      }
    })
  })
}
