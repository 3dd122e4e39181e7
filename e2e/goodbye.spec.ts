import { Agent } from './support/agent'
import { Server } from './support/server'
import { openStreams, readByes } from './support/streams'
import { expect, test, until } from './support/test'

const STREAMS = 2_000

test('SIGTERM with open streams and a long poll: each stream receives `bye`, and the process exits within 10 s', async () => {
  const server = await Server.start()
  const opened = await openStreams(server.origin, STREAMS)
  const waiting = new Agent(server.origin)
  const { json: attempt } = await waiting.send('POST', '/api/qr', {})
  const longPoll = waiting.send('GET', `/api/qr/${attempt.id}?after=1&waitMs=25000`)
  const reading = readByes(opened)
  const { ms, code } = await server.end('SIGTERM')
  expect(ms).toBeLessThan(10_000)
  expect(code).toBe(143)
  expect((await longPoll).status).toBe(204)
  const retries = await reading
  expect(retries).not.toContain(undefined)
  expect(new Set(retries).size).toBeGreaterThan(STREAMS / 4)
  await server.dispose()
})

test('after SIGTERM readiness is 503 first, while requests are still served', async () => {
  const server = await Server.start()
  const request = (path: string) => fetch(server.origin + path, { headers: { Connection: 'close' } })
  const ended = server.end('SIGTERM')
  await until(async () => (await request('/api/health/ready')).status === 503)
  expect(await (await request('/api/health/ready')).json()).toEqual({ status: 'unready', failing: ['shutdown'] })
  expect((await request('/api/health/live')).status).toBe(200)
  const agent = new Agent(server.origin)
  expect((await agent.send('POST', '/api/qr', {})).status).toBe(201)
  expect((await ended).code).toBe(143)
  await server.dispose()
})

test('killed with open streams, the server is back within 15 s with all stored data', async () => {
  const server = await Server.start()
  const [computer, phone] = [new Agent(server.origin), new Agent(server.origin)]
  await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const { json: review } = await phone.send('POST', '/api/qr/scan', { code: attempt.code.url.split('#')[1] })
  const opened = await openStreams(server.origin, STREAMS)
  const ends = opened.map((response) => response.text().catch(() => ''))
  const killedAt = performance.now()
  await server.end('SIGKILL')
  await Promise.all(ends)
  await server.start()
  expect(performance.now() - killedAt).toBeLessThan(15_000)
  expect((await phone.send('POST', '/api/qr/confirm', { claim: review.claim })).status).toBe(200)
  const { ticket } = (await computer.send('GET', `/api/qr/${attempt.id}`)).json
  expect((await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { ticket })).status).toBe(200)
  await server.dispose()
})
