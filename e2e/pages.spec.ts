import { request } from 'node:http'
import { Server } from './support/server'
import { expect, test, until } from './support/test'

/** How many pages one address may have of our own server. */

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** One request from an address of this machine. */
function ask(server: Server, path: string, localAddress = '127.0.0.1', method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: server.port, path, method, localAddress }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
    asked.on('error', reject)
    asked.end()
  })
}

test('of 300 pages at once 240 are rendered, the rest are refused; other addresses and the API notice nothing', async () => {
  const server = await Server.start({ RATE_LIMIT_SCALE: '1' })
  const answers: Answer[] = []
  // As many at a time as a browser's connections.
  const client = async () => {
    while (answers.length < 300) answers.push(await ask(server, '/login'))
  }
  await Promise.all([1, 2, 3, 4, 5, 6].map(client))
  const refused = answers.filter(({ status }) => status === 429)
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(240)
  expect(refused).toHaveLength(answers.length - 240)
  for (const { headers, text } of refused) {
    expect(headers['content-type']).toBe('text/plain; charset=utf-8')
    const retryAfterS = Number(headers['retry-after'])
    expect(retryAfterS > 0 && retryAfterS <= 60).toBe(true)
    expect(text).toBe(`Too many requests. Try again in ${retryAfterS} s.\n`)
    expect(headers['content-security-policy']).toBe("default-src 'none'; frame-ancestors 'none'")
    expect(headers['x-content-type-options']).toBe('nosniff')
  }
  expect((await ask(server, '/login', '127.0.0.3')).status).toBe(200)
  expect((await ask(server, '/api/session')).status).toBe(200)
  await until(() => server.output.includes('"limit":"pages"'))
  const line = server.output.split('\n').find((each) => each.includes('"limit":"pages"')) ?? ''
  expect(JSON.parse(line)).toMatchObject({
    event: 'limited',
    status: 429,
    address: expect.stringMatching(/^\w{12}$/),
  })
  await server.dispose()
})

test('every path that the framework renders for counts; files and the API do not', async () => {
  const server = await Server.start({ RATE_LIMIT_SCALE: '0.05' })
  const page = await ask(server, '/login', '127.0.0.4')
  const script = /\/_next\/static\/[\w./-]+\.js/.exec(page.text)?.[0] ?? ''
  const files = [script, '/icon.svg', '/manifest.webmanifest', '/avatars/ada.svg', '/icons/192.png']
  for (let times = 0; times < 5; times += 1) {
    for (const path of files) expect([path, (await ask(server, path)).status]).toEqual([path, 200])
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
  for (const path of targets) expect([path, (await ask(server, path)).status < 429]).toEqual([path, true])
  for (const path of [...targets, '/icons/x.png', '/login?again']) {
    for (const method of ['GET', 'HEAD', 'POST']) {
      expect([path, (await ask(server, path, '127.0.0.1', method)).status]).toEqual([path, 429])
    }
  }
  for (const path of [...files, '/api/session', '/api/health/live']) expect((await ask(server, path)).status).toBe(200)
  await server.dispose()
})
