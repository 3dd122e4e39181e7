import { request } from 'node:http'
import { Server } from './support/server'
import { expect, test, until } from './support/test'

interface PageResponse {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** Sends one request from the given loopback address. */
function send(server: Server, path: string, localAddress = '127.0.0.1', method = 'GET'): Promise<PageResponse> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: server.port, path, method, localAddress }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

test('of 300 pages from one address 240 are rendered and the rest get 429; other addresses and the API are not limited', async () => {
  const server = await Server.start({ RATE_LIMIT_SCALE: '1' })
  const responses: PageResponse[] = []
  // Six at a time, like the connections of a browser.
  const client = async () => {
    while (responses.length < 300) responses.push(await send(server, '/login'))
  }
  await Promise.all([1, 2, 3, 4, 5, 6].map(client))
  const refused = responses.filter(({ status }) => status === 429)
  expect(responses.filter(({ status }) => status === 200)).toHaveLength(240)
  expect(refused).toHaveLength(responses.length - 240)
  for (const { headers, text } of refused) {
    expect(headers['content-type']).toBe('text/plain; charset=utf-8')
    const retryAfterS = Number(headers['retry-after'])
    expect(retryAfterS > 0 && retryAfterS <= 60).toBe(true)
    expect(text).toBe(`Too many requests. Try again in ${retryAfterS} s.\n`)
    expect(headers['content-security-policy']).toBe("default-src 'none'; frame-ancestors 'none'")
    expect(headers['x-content-type-options']).toBe('nosniff')
  }
  expect((await send(server, '/login', '127.0.0.3')).status).toBe(200)
  expect((await send(server, '/api/session')).status).toBe(200)
  await until(() => server.output.includes('"limit":"pages"'))
  const line = server.output.split('\n').find((each) => each.includes('"limit":"pages"')) ?? ''
  expect(JSON.parse(line)).toMatchObject({
    event: 'limited',
    status: 429,
    address: expect.stringMatching(/^\w{12}$/),
  })
  await server.dispose()
})

test('every path that the framework renders counts as a page; files and the API do not', async () => {
  const server = await Server.start({ RATE_LIMIT_SCALE: '0.05' })
  const page = await send(server, '/login', '127.0.0.4')
  const script = /\/_next\/static\/[\w./-]+\.js/.exec(page.text)?.[0] ?? ''
  const files = [script, '/icon.svg', '/manifest.webmanifest', '/avatars/ada.svg', '/icons/192.png']
  for (let times = 0; times < 5; times += 1) {
    for (const path of files) expect([path, (await send(server, path)).status]).toEqual([path, 200])
  }
  const pages = [
    '/login',
    '/q',
    '/phone',
    '/',
    '/nowhere',
    '/icons/nowhere.png',
    '/avatars',
    '/_next/image?url=x',
    '//',
  ]
  const targets = [...pages, '/_next/static/../../login', '/icons/../login', 'http://evil.example/']
  for (const path of targets) expect([path, (await send(server, path)).status < 429]).toEqual([path, true])
  for (const path of [...targets, '/icons/x.png', '/login?again']) {
    for (const method of ['GET', 'HEAD', 'POST']) {
      expect([path, (await send(server, path, '127.0.0.1', method)).status]).toEqual([path, 429])
    }
  }
  for (const path of [...files, '/api/session', '/api/health/live']) expect((await send(server, path)).status).toBe(200)
  await server.dispose()
})
