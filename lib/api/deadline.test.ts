import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { App, Browser, codeOf, signedInPhone } from '../../test/support/app'
import { hasRedisServer, RedisServer } from '../../test/support/redis-server'
import { Wire } from '../../test/support/wire'
import type { Review } from '../core/attempt/views'

/** Below the deadline of one command. A scan needs three, one after another. */
const SLOW_MS = 400

describe.skipIf(!hasRedisServer())('a Redis whose responses are late, but within the deadline of a command', () => {
  let server: RedisServer
  let wire: Wire
  let app: App
  let computer: Browser
  let phone: Browser

  beforeEach(async () => {
    server = await RedisServer.start()
    wire = await Wire.open(() => server.port)
    app = new App({ REDIS_URL: `redis://127.0.0.1:${wire.port}` }, Date.now)
    await expect.poll(() => app.context.checkReady()).toBeNull()
    computer = new Browser(app)
    phone = await signedInPhone(app, 'ada')
  })
  afterEach(async () => {
    app.dispose()
    await wire.close()
    await server.dispose()
  })

  test('a request of three commands gets 503 within 1 s, and its repeat succeeds', async () => {
    const attempt = await computer.start()
    wire.fault = { kind: 'late', ms: SLOW_MS }
    const startedAt = performance.now()
    const response = await phone.send('POST', '/api/qr/scan', { body: { code: codeOf(attempt) } })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '2'])
    wire.fault = { kind: 'none' }
    await expect
      .poll(() => phone.get<Review>('POST', '/api/qr/scan', { code: codeOf(attempt) }).catch(() => null))
      .toMatchObject({ status: 'scanned' })
  })

  test('a long poll and a stream open and are held for their full time', async () => {
    const attempt = await computer.start()
    wire.fault = { kind: 'late', ms: SLOW_MS }
    const poll = await computer.send('GET', `/api/qr/${attempt.id}?after=1&waitMs=1500`)
    expect(poll.status).toBe(204)
    const stream = await computer.send('GET', `/api/qr/${attempt.id}/events`)
    expect(stream.status).toBe(200)
    await stream.body?.cancel()
    expect(app.context.connections.size).toBe(0)
  })
})
