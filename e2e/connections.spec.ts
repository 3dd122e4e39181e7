import { mkdtempSync, rmSync } from 'node:fs'
import { Agent as HttpAgent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isUp, run } from './support/run'
import { freePort, Server } from './support/server'
import { expect, test, until } from './support/test'

/** Opens a TCP connection, writes `text`, and records what it receives. */
class RawConnection {
  readonly socket: Socket
  text = ''
  readonly openedAt = performance.now()
  /** Ms from opening to the end; null while it is open. */
  endedMs: number | null = null

  constructor(port: number, text: string) {
    this.socket = connect(port, '127.0.0.1', () => this.socket.write(text))
    this.socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1')
    })
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.endedMs = performance.now() - this.openedAt
    })
  }

  /** The statuses received so far, informational ones included. */
  get statuses(): number[] {
    return [...this.text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status))
  }
}

test('a client that is slow to send its header section gets 408 after 15 s, and the connection is closed', async ({
  server,
}) => {
  const head = `GET /login HTTP/1.1\r\nHost: localhost:${server.port}\r\n`
  const silent = new RawConnection(server.port, '')
  const halfway = new RawConnection(server.port, head)
  const trickling = new RawConnection(server.port, head)
  const timer = setInterval(() => trickling.socket.write('X-Slow: 1\r\n'), 500)
  const all = [silent, halfway, trickling]
  await until(() => all.every(({ endedMs }) => endedMs !== null))
  clearInterval(timer)
  for (const { endedMs, statuses } of all) {
    expect(endedMs).toBeGreaterThan(14_000)
    expect(endedMs).toBeLessThan(18_000)
    expect(statuses).toEqual([408])
  }
})

test('a client that is slow to send its body gets 408 after 30 s, and the connection is closed', async ({ server }) => {
  const lines = [
    'POST /api/qr HTTP/1.1',
    `Host: localhost:${server.port}`,
    `Origin: ${server.origin}`,
    'Content-Type: application/json',
    'Content-Length: 100',
  ]
  const slow = new RawConnection(server.port, `${lines.join('\r\n')}\r\n\r\n`)
  const timer = setInterval(() => slow.socket.write(' '), 1_000)
  await until(() => slow.endedMs !== null, { withinMs: 45_000 })
  clearInterval(timer)
  expect(slow.endedMs).toBeGreaterThan(29_000)
  expect(slow.endedMs).toBeLessThan(36_000)
  expect(slow.statuses).toEqual([408])
})

for (const kind of ['ours', 'next'] as const) {
  test.describe(kind, () => {
    let server: Server
    test.beforeAll(async () => {
      server = new Server(await freePort(), {}, { server: kind })
      await server.start()
    })
    test.afterAll(async () => await server.dispose())

    test('100 Continue is sent before the body is read, and not before a refusal', async () => {
      const json = 'Content-Type: application/json'
      const send = async (line: string, headers: string[], bytes = 2): Promise<RawConnection> => {
        const own = [`Host: localhost:${server.port}`, `Origin: ${server.origin}`, `Content-Length: ${bytes}`]
        const lines = [`${line} HTTP/1.1`, ...own, 'Expect: 100-continue', ...headers, '', '']
        const connection = new RawConnection(server.port, lines.join('\r\n'))
        await until(() => connection.statuses.length > 0)
        return connection
      }
      for (const [status, line, headers, bytes] of [
        [404, 'POST /api/nowhere', [json], 2],
        [404, 'POST /api/qr/x/redeem', [json], 2],
        [405, 'PUT /api/qr', [json], 2],
        [403, 'POST /api/qr', [json, 'Sec-Fetch-Site: cross-site'], 2],
        [413, 'POST /api/qr', [json], 20_000],
        [415, 'POST /api/qr', ['Content-Type: text/plain'], 2],
      ] as const) {
        const refused = await send(line, [...headers], bytes)
        await until(() => refused.endedMs !== null)
        expect([line, ...refused.statuses]).toEqual([line, status])
      }
      const accepted = await send('POST /api/qr', [json, 'Connection: close'])
      expect(accepted.statuses).toEqual([100])
      accepted.socket.write('{}')
      await until(() => accepted.endedMs !== null)
      expect(accepted.statuses).toEqual([100, 201])
    })

    test('the request target * is 404 for every method and protocol', async () => {
      const upgrade = ['Connection: Upgrade, close', 'Upgrade: h2c']
      for (const line of ['OPTIONS * HTTP/1.1', 'GET * HTTP/1.1', 'OPTIONS * HTTP/1.0', 'GET *?x HTTP/1.1']) {
        for (const headers of [['Connection: close'], upgrade]) {
          const lines = [line, `Host: localhost:${server.port}`, ...headers, '', '']
          const connection = new RawConnection(server.port, lines.join('\r\n'))
          await until(() => connection.endedMs !== null)
          expect([line, ...connection.statuses]).toEqual([line, 404])
        }
      }
    })
  })
}

test('connections beyond the descriptor limit are dropped and logged; open ones continue to work', async () => {
  const port = await freePort()
  const dataDir = mkdtempSync(join(tmpdir(), 'qr-login-descriptors-'))
  const origin = `http://localhost:${port}`
  const settings = { PUBLIC_ORIGIN: origin, SESSION_SECRET: 'x'.repeat(40), DATA_DIR: dataDir, PORT: String(port) }
  const server = run('sh', ['-c', `ulimit -n 64; exec '${process.execPath}' scripts/start.mjs`], settings)
  await until(() => isUp(port))
  const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 })
  const start = () =>
    new Promise<number | undefined>((resolve, reject) => {
      const headers = { Origin: origin }
      const sent = request({ port, method: 'POST', path: '/api/qr', agent, headers }, (response) =>
        response.resume().once('end', () => resolve(response.statusCode)),
      )
      sent.once('error', reject)
      sent.end()
    })
  expect(await start()).toBe(201)
  const startedAt = performance.now()
  const flood = Array.from({ length: 300 }, () => new RawConnection(port, ''))
  await until(() => flood.filter(({ endedMs }) => endedMs !== null).length > 200)
  await until(() => server.output().includes('connections dropped'))
  // The store can still open files, and the first connection is served.
  for (let times = 0; times < 3; times += 1) expect(await start()).toBe(201)
  const seconds = (performance.now() - startedAt) / 1_000
  expect(server.output().split('connections dropped').length - 1).toBeLessThanOrEqual(Math.ceil(seconds) + 1)
  expect(server.output()).not.toMatch(/EMFILE|"level":"error"/)
  for (const { socket } of flood) socket.destroy()
  await until(() => isUp(port))
  agent.destroy()
  server.kill('SIGTERM')
  expect(await server.ended).toBe(143)
  rmSync(dataDir, { recursive: true })
})
