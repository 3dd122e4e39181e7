import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { App, Browser, codeOf, signedInPhone, signInComputer } from '../../test/support/app'
import { hasRedisServer, RedisServer } from '../../test/support/redis-server'
import { METRICS_TOKEN, measuredApp, requestMetrics, scrape } from '../../test/support/scrape'
import { LIMITED_RULES } from '../metrics/names'

let app: App
afterEach(() => app.dispose())

const hasPromtool = spawnSync('promtool', ['--version']).error === undefined
const VALID = `Bearer ${METRICS_TOKEN}`

describe('the token', () => {
  test('without METRICS_TOKEN the path is 404 for every method', async () => {
    app = new App()
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS']) {
      const response = await requestMetrics(app, VALID, method)
      const unknown = await app.handle(new Request('https://login.example.com/api/nothing', { method }))
      expect(response.status).toBe(404)
      const shape = async (received: Response) => {
        const { requestId: _, ...problem } = JSON.parse((await received.text()) || '{}')
        return { problem, headers: [...received.headers].filter(([name]) => name !== 'x-request-id') }
      }
      expect(await shape(response)).toEqual(await shape(unknown))
    }
    expect(app.context.metrics).toBeNull()
  })

  test('no token is 401 with WWW-Authenticate, a wrong one is 401 with invalid_token', async () => {
    app = measuredApp()
    const none = await requestMetrics(app, null)
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    for (const wrong of [
      `${VALID}x`,
      VALID.slice(0, -1),
      'Bearer',
      'Bearer  ',
      `Bearer ${METRICS_TOKEN.toUpperCase()}`,
    ]) {
      const response = await requestMetrics(app, wrong)
      const refused = [response.status, response.headers.get('www-authenticate')]
      expect(refused).toEqual([401, 'Bearer error="invalid_token"'])
    }
    expect((await requestMetrics(app, `Basic ${METRICS_TOKEN}`)).status).toBe(401)
    expect((await requestMetrics(app, VALID, 'POST')).status).toBe(405)
  })

  test('each of several tokens is accepted, for rotation', async () => {
    const other = 'another-token-that-is-long-enough-as-well'
    app = measuredApp({ METRICS_TOKEN: `${METRICS_TOKEN},${other}` })
    expect((await requestMetrics(app, VALID)).status).toBe(200)
    expect((await requestMetrics(app, `bearer ${other}`)).status).toBe(200)
    expect((await requestMetrics(app, `Bearer ${METRICS_TOKEN},${other}`)).status).toBe(401)
  })

  test('bad tokens count as bad credentials, and valid ones still pass', async () => {
    app = measuredApp()
    const statuses = []
    for (let count = 0; count < 22; count += 1) statuses.push((await requestMetrics(app, 'Bearer wrong')).status)
    expect(statuses).toEqual([...Array(20).fill(401), 429, 429])
    expect((await requestMetrics(app, VALID)).status).toBe(200)
  })

  test('a scrape needs no store access: it succeeds while the store is broken', async () => {
    app = measuredApp()
    app.breakLimits()
    // A wrong token cannot be counted, and gets 503.
    expect((await requestMetrics(app, 'Bearer wrong')).status).toBe(503)
    expect((await requestMetrics(app, VALID)).status).toBe(200)
    expect((await requestMetrics(app, null)).status).toBe(401)
  })
})

describe('the samples', () => {
  test('every metric of the contract has its exact name, type and labels', async () => {
    app = measuredApp()
    const samples = await scrape(app)
    const expected = {
      qr_login_attempts_total: 'counter',
      qr_login_sign_in_seconds: 'histogram',
      qr_login_streams: 'gauge',
      qr_login_store_seconds: 'histogram',
      qr_login_store_errors_total: 'counter',
      qr_login_refusals_total: 'counter',
      qr_login_limited_total: 'counter',
      qr_login_build_info: 'gauge',
    }
    expect(Object.fromEntries(samples.types)).toMatchObject(expected)
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(samples.get(`qr_login_build_info{version="${version}"}`)).toBe(1)
    for (const transport of ['sse', 'socket', 'long_poll']) {
      expect(samples.get(`qr_login_streams{transport="${transport}"}`)).toBe(0)
    }
    expect(samples.get('qr_login_attempts_total{outcome="redeemed"}')).toBe(0)
    expect(samples.get('qr_login_store_errors_total{kind="no_room"}')).toBe(0)
    expect(samples.get('qr_login_refusals_total{code="attempt_taken"}')).toBe(0)
    expect(samples.get('qr_login_limited_total{rule="confirm"}')).toBe(0)
    expect(samples.get('qr_login_store_seconds_count{operation="compareAndSet"}')).toBe(0)
  })

  test('promtool accepts the text without a warning', async ({ skip }) => {
    skip(!hasPromtool, 'promtool is not available')
    app = measuredApp()
    await signInComputer(app, await signedInPhone(app, 'ada'))
    const response = await requestMetrics(app, VALID)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: await response.text() })
    expect(String(stdout) + String(stderr)).toBe('')
    expect(status).toBe(0)
  })

  test('a sign-in is counted step by step, with the time from scan to redeem', async () => {
    app = measuredApp()
    const phone = await signedInPhone(app, 'ada')
    const computer = new Browser(app)
    const attempt = await computer.start()
    const { claim } = await phone.scan(attempt)
    app.now += 4_000
    await phone.get('POST', '/api/qr/confirm', { claim })
    const { ticket } = await computer.get<{ ticket: string }>('GET', `/api/qr/${attempt.id}`)
    await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket: `${ticket}x` } })
    await computer.get('POST', `/api/qr/${attempt.id}/redeem`, { ticket })
    const samples = await scrape(app)
    const outcomes = ['started', 'scanned', 'confirmed', 'ticket_wrong', 'redeemed', 'cancelled_by_phone']
    const counts = outcomes.map((outcome) => samples.get(`qr_login_attempts_total{outcome="${outcome}"}`))
    expect(counts).toEqual([1, 1, 1, 1, 1, 0])
    expect(samples.get('qr_login_sign_in_seconds_sum')).toBe(4)
    expect(samples.get('qr_login_sign_in_seconds_bucket{le="3"}')).toBe(0)
    expect(samples.get('qr_login_sign_in_seconds_bucket{le="5"}')).toBe(1)
    expect(samples.get('qr_login_refusals_total{code="ticket_wrong"}')).toBe(1)
    expect(samples.get('qr_login_store_seconds_count{operation="insertAttempt"}')).toBe(1)
  })

  test('a cancelled attempt is counted by the party that cancelled it', async () => {
    app = measuredApp({ MATCH_POLICY: 'always' })
    const phone = await signedInPhone(app, 'ada')
    const begin = async () => {
      const computer = new Browser(app)
      const attempt = await computer.start()
      return { computer, attempt, review: await phone.scan(attempt) }
    }
    const byPhone = await begin()
    await phone.get('POST', '/api/qr/cancel', { claim: byPhone.review.claim })
    const byComputer = await begin()
    await byComputer.computer.send('DELETE', `/api/qr/${byComputer.attempt.id}`)
    const byMatch = await begin()
    const number = byMatch.review.match.number === '42' ? '43' : '42'
    for (const _ of [1, 2]) {
      await byMatch.computer.send('POST', `/api/qr/${byMatch.attempt.id}/match`, { body: { number } })
    }
    const samples = await scrape(app)
    for (const outcome of ['cancelled_by_phone', 'cancelled_by_computer', 'cancelled_by_match', 'match_wrong']) {
      expect([outcome, samples.get(`qr_login_attempts_total{outcome="${outcome}"}`)]).toEqual([outcome, 1])
    }
  })

  test('an attempt that expires on an open stream is counted as expired, once', async () => {
    app = new App({ METRICS_TOKEN, ATTEMPT_TTL_S: '1', CODE_PERIOD_S: '1' }, Date.now)
    const computer = new Browser(app)
    const attempt = await computer.start()
    const events = await computer.send('GET', `/api/qr/${attempt.id}/events`)
    expect((await scrape(app)).get('qr_login_streams{transport="sse"}')).toBe(1)
    expect(await events.text()).toContain('"status":"expired"')
    const samples = await scrape(app)
    expect(samples.get('qr_login_attempts_total{outcome="expired"}')).toBe(1)
    expect(samples.get('qr_login_streams{transport="sse"}')).toBe(0)
  })

  test('a long poll is counted while it waits', async () => {
    app = measuredApp()
    const computer = new Browser(app)
    const attempt = await computer.start()
    const left = new AbortController()
    const { signal } = left
    const wait = computer.send('GET', `/api/qr/${attempt.id}?after=1&waitMs=20000`, { signal })
    await expect.poll(() => app.context.connections.count('long_poll')).toBe(1)
    expect((await scrape(app)).get('qr_login_streams{transport="long_poll"}')).toBe(1)
    left.abort()
    await wait
    expect((await scrape(app)).get('qr_login_streams{transport="long_poll"}')).toBe(0)
  })

  test('refusals are counted by code, limits by rule, store failures by kind', async () => {
    app = measuredApp()
    const browser = new Browser(app)
    for (let count = 0; count < 8; count += 1) await browser.send('POST', '/api/qr', { body: {} })
    await browser.send('GET', '/api/sessions')
    app.breakLimits()
    await new Browser(app).send('POST', '/api/qr', { body: {} })
    const samples = await scrape(app)
    expect(samples.get('qr_login_refusals_total{code="unauthenticated"}')).toBe(1)
    expect(samples.get('qr_login_refusals_total{code="rate_limited"}')).toBe(2)
    expect(samples.get('qr_login_limited_total{rule="start_by_browser,start_by_address"}')).toBe(2)
    expect(samples.get('qr_login_refusals_total{code="unavailable"}')).toBe(1)
    expect(samples.get('qr_login_store_errors_total{kind="other"}')).toBe(1)
  })

  test.skipIf(!hasRedisServer())('the circuit breaker opens without a Redis', async () => {
    const server = await RedisServer.start()
    app = new App({ METRICS_TOKEN, REDIS_URL: server.url }, Date.now)
    await expect.poll(() => app.context.checkReady()).toBeNull()
    expect((await scrape(app)).get('qr_login_breaker_open')).toBe(0)
    await server.kill()
    await expect
      .poll(
        async () => {
          await new Browser(app).send('POST', '/api/qr', { body: {} })
          return (await scrape(app)).get('qr_login_breaker_open')
        },
        { timeout: 10_000 },
      )
      .toBe(1)
    await new Browser(app).send('POST', '/api/qr', { body: {} })
    const { samples } = await scrape(app)
    expect(samples.get('qr_login_store_errors_total{kind="connection"}')).toBeGreaterThan(0)
    expect(samples.get('qr_login_store_errors_total{kind="breaker"}')).toBeGreaterThan(0)
    await server.dispose()
  })

  test('readiness is sampled even if no client requests it', async () => {
    app = measuredApp()
    expect((await scrape(app)).get('qr_login_ready')).toBe(1)
    app.qrLogin.becomeUnready()
    const samples = await scrape(app)
    expect([samples.get('qr_login_ready'), samples.get('qr_login_draining')]).toEqual([0, 1])
  })

  test('a value that cannot be read has no sample, and the others are unaffected', async () => {
    app = measuredApp()
    app.context.recorder.observe('breaker_open', () => {
      throw new Error('planted')
    })
    app.context.recorder.observe('clock_steps_total', () => 3)
    const samples = await scrape(app)
    expect(samples.get('qr_login_breaker_open')).toBeUndefined()
    expect(samples.types.get('qr_login_clock_steps_total')).toBe('counter')
    expect(samples.get('qr_login_clock_steps_total')).toBe(3)
    expect((await scrape(app)).get('qr_login_clock_steps_total')).toBe(3)
    expect(samples.get('qr_login_disk_free_bytes')).toBeGreaterThan(0)
  })
})

test('every limit that a request can reach has its own series', async () => {
  const reached = new Set<string>()
  app = measuredApp({ RATE_LIMIT_SCALE: '0.01', MAX_STREAMS: '1' })
  const phone = new Browser(app)
  const wrong = { username: 'ada', password: 'wrong' }
  const often = async (send: () => Promise<unknown>) => {
    for (let count = 0; count < 3; count += 1) await send()
  }
  await phone.signInPhone('ada')
  await often(() => phone.send('POST', '/api/phone/session', { body: wrong }))
  const computer = new Browser(app)
  const attempt = await computer.start()
  await often(() => computer.send('POST', '/api/qr', { body: {} }))
  await often(() => phone.send('POST', '/api/qr/scan', { body: { code: `${codeOf(attempt)}x` } }))
  await often(() => phone.send('POST', '/api/qr/confirm', { body: { claim: 'x' } }))
  await often(() => phone.send('GET', '/api/phones', { headers: { Authorization: 'Bearer x' } }))
  await often(() => requestMetrics(app, 'Bearer wrong'))
  const events = await computer.send('GET', `/api/qr/${attempt.id}/events`)
  await computer.send('GET', `/api/qr/${attempt.id}/events`)
  await events.body?.cancel()
  const samples = await scrape(app)
  for (const [sample, value] of samples.samples) {
    const [, rule] = /^qr_login_limited_total\{rule="(.*)"\}$/.exec(sample) ?? []
    if (rule !== undefined && value > 0) reached.add(rule)
  }
  expect(reached.size).toBeGreaterThanOrEqual(6)
  expect(reached).not.toContain('other')
  for (const rule of reached) expect(LIMITED_RULES).toContain(rule)
})
