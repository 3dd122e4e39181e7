import { Agent } from './support/agent'
import { hasPrometheus, Prometheus } from './support/prometheus'
import { Server } from './support/server'
import { expect, test, until } from './support/test'

const TOKEN = 'a-token-of-the-e2e-tests-long-enough'

test('a failing store fires the alert of a real Prometheus within 15 s', async () => {
  test.skip(!hasPrometheus, 'prometheus is not available')
  const server = await Server.start({ METRICS_TOKEN: TOKEN })
  const prometheus = await Prometheus.start(`127.0.0.1:${server.port}`, TOKEN)
  const agent = new Agent(server.origin)
  await agent.send('POST', '/api/qr', {})
  const starts = 'qr_login_attempts_total{outcome="started"}'
  await until(async () => (await prometheus.query(starts)) === 1)
  expect([...(await prometheus.firing()).keys()]).toEqual([])
  server.corruptStore()
  const brokenAt = performance.now()
  await until(async () => {
    expect((await agent.send('POST', '/api/qr', {})).status).toBe(503)
    return (await prometheus.firing()).has('QrLoginStoreErrors')
  })
  expect(performance.now() - brokenAt).toBeLessThan(15_000)
  const labels = (await prometheus.firing()).get('QrLoginStoreErrors')
  expect(labels).toMatchObject({ severity: 'page', kind: 'corrupt', instance: `127.0.0.1:${server.port}` })
  await prometheus.dispose()
  await server.dispose()
})

test('the metrics contain no secret of a run, and are 404 without the setting', async ({ server }) => {
  expect((await fetch(`${server.origin}/api/metrics`)).status).toBe(404)
  const measured = await Server.start({ METRICS_TOKEN: TOKEN })
  const [computer, phone] = [new Agent(measured.origin), new Agent(measured.origin)]
  await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
  const attempt = (await computer.send('POST', '/api/qr', {})).json
  const code = attempt.code.url.split('#')[1]
  const { claim } = (await phone.send('POST', '/api/qr/scan', { code })).json
  await phone.send('POST', '/api/qr/confirm', { claim })
  const { ticket } = (await computer.send('GET', `/api/qr/${attempt.id}`)).json
  const { session } = (await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { ticket })).json
  await fetch(`${measured.origin}/login`)
  const secrets = [
    attempt.id,
    code,
    claim,
    ticket,
    session.id,
    'ada',
    'Ada',
    '127.0.0.1',
    '::1',
    TOKEN,
    measured.secret,
  ]
  for (const agent of [computer, phone]) secrets.push(...agent.cookies.values())
  const headers = { Authorization: `Bearer ${TOKEN}` }
  const text = await (await fetch(`${measured.origin}/api/metrics`, { headers })).text()
  expect(text).toContain('qr_login_attempts_total{outcome="redeemed"} 1')
  // Every metric has a sample, except the circuit breaker, which exists for a shared store only.
  const declared = [...text.matchAll(/^# TYPE (qr_login_\w+) /gm)].map(([, name]) => name ?? '')
  const withoutSample = declared.filter((name) => !new RegExp(`^${name}(_count)?[ {]`, 'm').test(text))
  // Of a shared store, and of an outbox, only.
  expect(withoutSample.sort()).toEqual(['qr_login_breaker_open', 'qr_login_outbox_depth'])
  expect(secrets.filter((secret) => text.includes(secret))).toEqual([])
  expect(measured.output).not.toContain(TOKEN)
  await measured.dispose()
})
