import { connect, type Socket } from 'node:net'
import { freePort, Server } from './support/server'
import { expect, test } from './support/test'

/** Request targets by hand, as no client of ours would write them (RFC 9112, section 3.2). */

/**
 * What a server answers to the head of a request, as it comes; '' when it ends the connection
 * without an answer.
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

interface Answer {
  status: number
  location: string | null
  head: string
  text: string
}

for (const kind of ['ours', 'next'] as const) {
  test.describe(`request targets: ${kind}`, () => {
    let server: Server
    /** The authority under which the server is open. */
    let own: string

    test.beforeAll(async () => {
      server = new Server(await freePort(), {}, { server: kind })
      await server.start()
      own = new URL(server.origin).host
    })
    test.afterAll(async () => await server.dispose())

    async function ask(target: string, { method = 'GET', host = own, headers = [] as string[] } = {}): Promise<Answer> {
      const line = `${method} ${target} HTTP/1.1`
      const answer = await write(server.port, [line, `Host: ${host}`, ...headers, 'Connection: close'])
      const [head = '', text = ''] = answer.split('\r\n\r\n')
      const location = /^location: (.*)$/im.exec(head)?.[1] ?? null
      return { status: Number(head.split(' ')[1]), location, head, text }
    }

    test('absolute-form with our own authority is that path, whatever Host says', async () => {
      for (const host of [own, 'evil.example']) {
        const page = await ask(`http://${own}/login`, { host })
        expect(page.status).toBe(200)
        expect(page.text).toContain('<html')
        expect(await ask(`http://${own}/login/?x=1`, { host })).toMatchObject({ status: 308, location: '/login?x=1' })
        expect((await ask(`HTTP://${own.toUpperCase()}/api/session`, { host })).text).toContain('"signedIn":false')
        expect((await ask(`http://127.0.0.1:${server.port}/api/health/live`, { host })).status).toBe(200)
        const started = await ask(`http://${own}/api/qr`, { host, method: 'POST', headers: ['Content-Length: 0'] })
        expect(started.status).toBe(201)
        expect(started.location).toMatch(/^\/api\/qr\/[\w-]+$/)
        for (const bare of [`http://${own}`, `http://${own}/`, `http://${own}?x`]) {
          expect(await ask(bare, { host })).toMatchObject({ status: 307, location: '/login' })
        }
      }
    })

    test('absolute-form with another authority or scheme leads nowhere', async () => {
      for (const authority of ['evil.example', `${own}.evil.example`, `${own}@evil.example`, `evil.example@${own}`]) {
        for (const path of ['/login', '/login/', '', '//login', '/api/session', '/api/health/live', '/icon.svg']) {
          expect(await ask(`http://${authority}${path}`)).toMatchObject({ status: 404, location: null })
        }
      }
      for (const scheme of ['ftp', 'ws', 'file']) {
        expect([404, 400]).toContain((await ask(`${scheme}://${own}/login`)).status)
      }
      const { head, text } = await ask('http://evil.example/api/session')
      expect(head).toMatch(/^content-type: application\/problem\+json/im)
      expect(text).toContain('"code":"not_found"')
    })

    test('* and authority-form lead nowhere', async () => {
      for (const method of ['OPTIONS', 'GET', 'POST']) expect((await ask('*', { method })).status).toBe(404)
      for (const target of ['evil.example:443', own, 'localhost:443']) {
        const { status, head } = await ask(target, { method: 'CONNECT' })
        expect(status).toBe(404)
        expect(head).toMatch(/^x-content-type-options: nosniff/im)
        // Node's own parser refuses it.
        expect((await ask(target)).status).toBe(400)
      }
      expect((await ask('/login')).status).toBe(200)
    })

    test('a client that ends CONNECT at once does no harm', async () => {
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
      expect((await ask('/api/health/live')).status).toBe(200)
    })

    test('under a foreign name two paths are answered, and no other spelling of them', async () => {
      const host = 'evil.example'
      for (const path of ['/api/health/live', '/api/health/ready', '/api/health/ready?x']) {
        expect((await ask(path, { host })).status).not.toBe(404)
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
        const answer = await ask(path, { host })
        expect([path, answer.status, answer.location]).toEqual([path, 404, null])
      }
    })

    test('the image optimiser is not there, whatever its query', async () => {
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
          const answer = await ask(path + query)
          expect([path + query, answer.status, answer.location]).toEqual([path + query, 404, null])
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
        const { status, location, head } = await ask(target)
        expect([target, status >= 200 && status < 500]).toEqual([target, true])
        const named = [location, /^refresh: \d+;url=(.*)$/im.exec(head)?.[1]].filter((url) => typeof url === 'string')
        redirects += named.length
        for (const url of named) {
          expect([target, url, new URL(url, server.origin).origin]).toEqual([target, url, server.origin])
        }
      }
      expect(redirects).toBeGreaterThan(100)
    })

    test('nor when headers name one', async () => {
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
            const { location, head } = await ask(path, { host, headers: [header] })
            expect([path, header, location]).toEqual([path, header, expect.stringMatching(/^\/(?![/\\])/)])
            expect([path, header, head]).toEqual([path, header, expect.not.stringContaining('evil')])
          }
        }
      }
    })

    test('no answer tells what the server tells its handlers', async () => {
      for (const path of ['/login', '/q', '/phone', '/nowhere', '/api/session', '/api/nowhere', '/icon.svg']) {
        const { head, text } = await ask(path, { headers: ['RSC: 1'] })
        expect(head + text).not.toMatch(/x-qr-login/i)
        const page = await ask(path)
        expect(page.head + page.text).not.toMatch(/x-qr-login/i)
      }
    })
  })
}
