import type { LookupAddress, lookup as systemLookup } from 'node:dns'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { AddressList } from './address'
import { createOutboundFetch, OutboundError, type OutboundFailure, type OutboundInit } from './outbound'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

/** A server on the loopback address. Returns its port. */
async function listen(answer: RequestListener): Promise<number> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const NONE = new AddressList([])
const LOOPBACK = new AddressList(['127.0.0.0/8'])

/** A resolver that knows one answer. */
function resolvesTo(...addresses: string[]): typeof systemLookup {
  const found: LookupAddress[] = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  const lookup = (_name: string, _options: unknown, callback: (error: null, found: LookupAddress[]) => void) =>
    callback(null, found)
  return lookup as unknown as typeof systemLookup
}

async function failureOf(url: string, allow: AddressList, init?: OutboundInit, lookup?: typeof systemLookup) {
  const options = lookup === undefined ? { allow } : { allow, lookup }
  try {
    const { status } = await createOutboundFetch(options)(url, init)
    return status
  } catch (error) {
    if (error instanceof OutboundError) return error.reason
    throw error
  }
}

describe('a request to another server', () => {
  const REFUSED: OutboundFailure = 'address_refused'

  test.each([
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://10.1.2.3/',
    'https://100.64.0.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://172.31.0.1/',
    'https://192.168.1.1/',
    'https://0.0.0.0/',
    'https://224.0.0.1/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[64:ff9b::a00:1]/',
    'https://[2002:a00:1::]/',
    'https://[::ffff:0:7f00:1]/',
    'https://[0:0:0:1::1]/',
    'https://[100:0:0:1::1]/',
    'https://[4000::1]/',
    'https://[fd00::1]/',
    'https://[fe80::1]/',
    'http://93.184.216.34/',
    'file:///etc/passwd',
  ])('never reaches %s', async (url) => {
    expect(await failureOf(url, NONE)).toBe(REFUSED)
  })

  test('is refused when one of the addresses of a name is private', async () => {
    const url = 'https://accounts.example.com/'
    expect(await failureOf(url, NONE, {}, resolvesTo('10.0.0.1'))).toBe(REFUSED)
    expect(await failureOf(url, NONE, {}, resolvesTo('93.184.216.34', '::1'))).toBe(REFUSED)
    expect(await failureOf(url, NONE, {}, resolvesTo())).toBe(REFUSED)
  })

  test('by http needs an address that is listed, a name that resolves to one included', async () => {
    const port = await listen((_, response) => response.end('{}'))
    expect(await failureOf(`http://127.0.0.1:${port}/`, NONE)).toBe(REFUSED)
    expect(await failureOf(`http://127.0.0.1:${port}/`, LOOPBACK)).toBe(200)
    expect(await failureOf(`http://team.test:${port}/`, LOOPBACK, {}, resolvesTo('127.0.0.1'))).toBe(200)
    expect(await failureOf(`http://team.test:${port}/`, LOOPBACK, {}, resolvesTo('10.0.0.1'))).toBe(REFUSED)
  })

  test('carries its body and headers, and brings the response whole', async () => {
    const port = await listen(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      response.setHeader('Set-Cookie', ['a=1', 'b=2'])
      response.end(`${request.method} ${request.headers['x-test']} ${body}`)
    })
    const fetch = createOutboundFetch({ allow: LOOPBACK })
    const init = { method: 'POST', headers: { 'X-Test': 'yes' }, body: 'Größe' }
    const response = await fetch(`http://127.0.0.1:${port}/`, init)
    expect(await response.text()).toBe('POST yes Größe')
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  })

  test('does not follow a redirect', async () => {
    let requests = 0
    const port = await listen((_, response) => {
      requests += 1
      response.writeHead(302, { Location: '/elsewhere' }).end()
    })
    expect(await failureOf(`http://127.0.0.1:${port}/`, LOOPBACK)).toBe(302)
    expect(requests).toBe(1)
  })

  test('ends at its deadline, whether no head or no end of the body arrives, and closes its connection', async () => {
    let closed = 0
    const port = await listen((request, response) => {
      response.once('close', () => {
        closed += 1
      })
      if (request.url === '/slow-body') response.write('{')
    })
    for (const path of ['/no-head', '/slow-body']) {
      const signal = AbortSignal.timeout(100)
      expect(await failureOf(`http://127.0.0.1:${port}${path}`, LOOPBACK, { signal })).toBe('timeout')
    }
    await expect.poll(() => closed).toBe(2)
  })

  test('ends at its deadline while the name is being resolved', async () => {
    const never = (() => {}) as unknown as typeof systemLookup
    const signal = AbortSignal.timeout(50)
    expect(await failureOf('https://accounts.example.com/', NONE, { signal }, never)).toBe('timeout')
  })

  test('is cut when the response is larger than 256 KB, and the rest is not read', async () => {
    let written = 0
    const port = await listen((_, response) => {
      const more = () => {
        while (!response.destroyed && written < 64 * 1024 * 1024) {
          written += 64 * 1024
          if (!response.write(Buffer.alloc(64 * 1024))) {
            response.once('drain', more)
            return
          }
        }
        response.end()
      }
      more()
    })
    expect(await failureOf(`http://127.0.0.1:${port}/`, LOOPBACK)).toBe('too_large')
    expect(written).toBeLessThan(32 * 1024 * 1024)
  })

  test('to a port where no server listens is unreachable, and the error names the host alone', async () => {
    const port = await listen((_, response) => response.end())
    for (const server of servers.splice(0)) server.close()
    const error = await createOutboundFetch({ allow: LOOPBACK })(
      `http://127.0.0.1:${port}/secret-path?token=secret`,
    ).then(
      () => null,
      (thrown: OutboundError) => thrown,
    )
    expect(error?.reason).toBe('unreachable')
    expect(error?.message).toBe(`127.0.0.1:${port}: no response`)
  })
})

test.each([
  ['a status that is none', 'HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n'],
  ['a status below 200 as the last', 'HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n'],
  ['another protocol, which was not requested', 'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'],
  ['nothing', ''],
  ['something else', 'SSH-2.0-OpenSSH_9.2\r\n'],
])('a server that answers with %s is unreachable, and the request ends', async (_, raw) => {
  const server = createTcpServer((socket) => {
    socket.once('data', () => socket.end(raw))
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    expect(await failureOf(`http://127.0.0.1:${port}/`, LOOPBACK)).toBe('unreachable')
  } finally {
    server.close()
  }
})
