import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, test } from 'vitest'
import { SourceError } from './endpoint'
import { SiteSession } from './site-session'
import { VerifyUrl } from './verify-url'

const SECRET = Buffer.alloc(32, 7)
const MEI = {
  id: 'user-1',
  name: 'Mei Tan',
  avatarUrl: 'https://cdn.example.com/mei.png',
  username: 'mei',
  email: 'mei@example.com',
  emailVerified: true,
  groups: ['staff'],
}

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

async function listen(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/endpoint`
}

async function bodyOf(request: AsyncIterable<Uint8Array>): Promise<string> {
  let text = ''
  for await (const chunk of request) text += Buffer.from(chunk).toString()
  return text
}

function verifier(url: string): VerifyUrl {
  return new VerifyUrl({ settings: { url, secret: SECRET }, fetch: (to, init) => fetch(to, init), wall: Date.now })
}

const answerWith =
  (status: number, body: unknown): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

describe('an endpoint that verifies name and password', () => {
  test('gets both in a request that a foreign verifier of Standard Webhooks accepts', async () => {
    let received: unknown
    const url = await listen(async (request, response) => {
      const webhook = new Webhook(`whsec_${SECRET.toString('base64')}`)
      received = webhook.verify(await bodyOf(request), request.headers as Record<string, string>)
      response.end(JSON.stringify(MEI))
    })
    expect(await verifier(url).findPerson('mei', 'pässword')).toEqual(MEI)
    expect(received).toEqual({ username: 'mei', password: 'pässword' })
  })

  test('signs with a key that another server does not have', async () => {
    let isAccepted: boolean | null = null
    const url = await listen(async (request, response) => {
      const webhook = new Webhook(`whsec_${Buffer.alloc(32, 8).toString('base64')}`)
      try {
        webhook.verify(await bodyOf(request), request.headers as Record<string, string>)
        isAccepted = true
      } catch {
        isAccepted = false
      }
      response.writeHead(401).end()
    })
    expect(await verifier(url).findPerson('mei', 'x')).toBeNull()
    expect(isAccepted).toBe(false)
  })

  test('may answer with the id alone', async () => {
    const url = await listen(answerWith(200, { id: 'user-1' }))
    const empty = { avatarUrl: null, username: null, email: null, emailVerified: false, groups: [] }
    expect(await verifier(url).findPerson('mei', 'x')).toEqual({ id: 'user-1', name: 'user-1', ...empty })
  })

  test.each([401, 404])('that answers %d knows no such name and password', async (status) => {
    const url = await listen(answerWith(status, { anything: true }))
    expect(await verifier(url).findPerson('mei', 'x')).toBeNull()
  })

  test.each<[string, number, unknown]>([
    ['another status', 204, ''],
    ['a redirect', 302, ''],
    ['an error', 500, MEI],
    ['no JSON', 200, '<html>'],
    ['a list', 200, [MEI]],
    ['no id', 200, { name: 'Mei Tan' }],
    ['an empty id', 200, { id: '' }],
    ['an id with a control character', 200, { id: 'user\n1' }],
    ['a number as the id', 200, { id: 1 }],
    ['a field that is not one of a person', 200, { ...MEI, admin: true }],
    ['groups that are no list', 200, { ...MEI, groups: 'staff' }],
  ])('that answers with %s is out of order, which is an error', async (_, status, body) => {
    const url = await listen((request, response) => {
      if (status === 302) response.setHeader('Location', '/person')
      answerWith(request.url === '/person' ? 200 : status, request.url === '/person' ? MEI : body)(request, response)
    })
    const verify = new VerifyUrl({
      settings: { url, secret: SECRET },
      fetch: (to, init) => fetch(to, { ...init, redirect: 'manual' }),
      wall: Date.now,
    })
    await expect(verify.findPerson('mei', 'x')).rejects.toBeInstanceOf(SourceError)
  })

  test('whose answer is out of order is named in the error, and what it said is not', async () => {
    const url = await listen(answerWith(200, { id: 'user-1', passwordHash: 'secret-hash' }))
    const message = await verifier(url)
      .findPerson('mei', 'secret-password')
      .catch((error: Error) => error.message)
    expect(message).toContain('is no person')
    expect(message).not.toMatch(/secret/)
  })
})

describe('an endpoint of the team’s own site', () => {
  const site = (url: string) => new SiteSession({ url, fetch: (to, init) => fetch(to, init) })

  test('gets the cookies of the browser, but ours', async () => {
    let cookie: string | undefined
    const url = await listen((request, response) => {
      cookie = request.headers.cookie
      response.end(JSON.stringify(MEI))
    })
    const header = 'qr_browser=a; sid=their-own; __Host-qr_phone=b; theme=dark; __Host-qr_session=c'
    expect(await site(url).findPerson(header)).toEqual(MEI)
    expect(cookie).toBe('sid=their-own; theme=dark')
  })

  test('is not requested for a browser that has no cookie of the site', async () => {
    let requests = 0
    const url = await listen((_, response) => {
      requests += 1
      response.end(JSON.stringify(MEI))
    })
    for (const header of [null, '', '__Host-qr_phone=b']) expect(await site(url).findPerson(header)).toBeNull()
    expect(requests).toBe(0)
  })

  test.each([401, 403])('that answers %d knows no signed-in person', async (status) => {
    const url = await listen(answerWith(status, MEI))
    expect(await site(url).findPerson('sid=x')).toBeNull()
  })
})
