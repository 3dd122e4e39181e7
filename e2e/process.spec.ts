import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent } from './support/agent'
import { isUp, run } from './support/run'
import { freePort } from './support/server'
import { expect, test, until } from './support/test'

test('in the demo localhost and the network address pass the origin check', async () => {
  const port = String(await freePort())
  const dataDir = mkdtempSync(join(tmpdir(), 'qr-login-demo-'))
  const demo = run(process.execPath, ['scripts/start.mjs'], {
    NODE_ENV: 'production',
    DEMO: 'true',
    DATA_DIR: dataDir,
    PORT: port,
  })
  await until(() => isUp(port))
  const lan = /On your phone +(http:\/\/\S+)\/phone/.exec(demo.output())?.[1] ?? ''
  expect(lan).toMatch(new RegExp(`^http://[^/]+:${port}$`))
  const post = (origin: string) =>
    fetch(`http://localhost:${port}/api/qr`, { method: 'POST', headers: { Origin: origin, Cookie: 'a=b' } })
  for (const origin of [lan, `http://localhost:${port}`, `http://127.0.0.1:${port}`]) {
    const response = await post(origin)
    expect([origin, response.status]).toEqual([origin, 201])
    const attempt = (await response.json()) as { code: { url: string } }
    expect(attempt.code.url.startsWith(`${lan}/q#`)).toBe(true)
  }
  expect((await post('http://evil.example')).status).toBe(403)
  demo.kill('SIGTERM')
  await demo.ended
  rmSync(dataDir, { recursive: true })
})

test('outside of the demo only the public origin passes the origin check', async ({ server }) => {
  const post = (origin: string) =>
    fetch(`${server.origin}/api/qr`, { method: 'POST', headers: { Origin: origin, Cookie: 'a=b' } })
  expect((await post(server.origin)).status).toBe(201)
  expect((await post(`http://127.0.0.1:${server.port}`)).status).toBe(403)
})

test('unsupported methods and malformed paths get 405 or 404, never a 5xx', async ({ server }) => {
  const send = (method: string, path: string) =>
    new Promise<[number | undefined, string | undefined, unknown]>((resolve, reject) => {
      const sent = request({ port: server.port, method, path }, (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.on('end', () =>
          resolve([response.statusCode, response.headers.allow, /"code":"(\w+)"/.exec(text)?.[1]]),
        )
      })
      sent.on('error', reject)
      sent.end()
    })
  for (const method of ['TRACE', 'PROPFIND', 'OPTIONS']) {
    expect(await send(method, '/api/qr')).toEqual([405, 'POST', 'method_not_allowed'])
    expect(await send(method, '/api/session')).toEqual([405, 'GET, HEAD, DELETE', 'method_not_allowed'])
  }
  for (const path of ['/api/qr/%E0%A4%A', '/api/qr/%', '/api/nowhere', '/api/qr/a/b/c', '/api/qr/%00']) {
    expect([path, ...(await send('GET', path))]).toEqual([path, 404, undefined, 'not_found'])
  }
  for (const path of ['/%E0%A4%A', '/login/%', '/nowhere']) {
    expect([path, (await send('GET', path))[0]]).toEqual([path, 404])
  }
  for (const path of ['/login?next=%', '/q?%E0%A4%A', '/api/session?%']) {
    expect([path, (await send('GET', path))[0]]).toEqual([path, 200])
  }
})

test('a client that offers a protocol upgrade is served over HTTP/1.1', async ({ server }) => {
  const send = (path: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const headers = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }
      const sent = request({ port: server.port, path, headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      sent.on('error', reject)
      sent.end()
    })
  // Twice: the framework gets access to the server with the first page.
  for (const path of ['/login', '/login', '/api/session']) expect([path, await send(path)]).toEqual([path, 200])
})

test('a client cannot choose its address', async ({ server }) => {
  const send = async (headers: Record<string, string>) => {
    const phone = new Agent(server.origin)
    await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
    const response = await fetch(`${server.origin}/api/qr`, { method: 'POST', headers })
    const attempt = (await response.json()) as { code: { url: string } }
    return (await phone.send('POST', '/api/qr/scan', { code: attempt.code.url.split('#')[1] })).json.computer
      .sameNetwork
  }
  expect(await send({})).toBe(true)
  expect(await send({ 'X-Qr-Login-Peer': '198.51.100.1' })).toBe(true)
  // A peer that forwards for others makes the network unknown.
  expect(await send({ 'X-Forwarded-For': '198.51.100.1' })).toBe(false)
})
