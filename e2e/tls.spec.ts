import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasRedisServer, RedisServer } from '../test/support/redis-server'
import { Agent } from './support/agent'
import { freePort, Server } from './support/server'
import { expect, test, until } from './support/test'

/** A Redis with TLS and a self-signed certificate. */

test.skip(!hasRedisServer(), 'redis-server is not available')

let folder: string
let redis: RedisServer
let url: string
let certificate: string

test.beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qr-login-tls-'))
  certificate = join(folder, 'certificate.pem')
  const key = join(folder, 'key.pem')
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2', '-nodes']
  spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-keyout', key, '-out', certificate, ...names])
  const port = await freePort()
  const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate]
  redis = await RedisServer.start(['--tls-port', String(port), ...files, '--tls-auth-clients', 'no'])
  url = `rediss://localhost:${port}`
})

test.afterAll(async () => {
  await redis.dispose()
  rmSync(folder, { recursive: true })
})

test('a sign-in works over TLS, commands and messages', async () => {
  const server = await Server.start({ REDIS_URL: url, NODE_EXTRA_CA_CERTS: certificate })
  const [computer, phone] = [new Agent(server.origin), new Agent(server.origin)]
  await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const stream = await computer.open('GET', `/api/qr/${attempt.id}/events`)
  const text = stream.text()
  const { json: review } = await phone.send('POST', '/api/qr/scan', { code: attempt.code.url.split('#')[1] })
  await phone.send('POST', '/api/qr/confirm', { claim: review.claim })
  const { ticket } = (await computer.send('GET', `/api/qr/${attempt.id}`)).json
  expect((await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { ticket })).status).toBe(200)
  expect(await text).toContain('"redeemed"')
  await server.dispose()
})

test('an untrusted certificate is refused, and no command is sent without TLS', async () => {
  const server = new Server(await freePort(), { REDIS_URL: url })
  await redis.send('CONFIG RESETSTAT')
  const starting = server.start().catch(() => {})
  const ready = () => fetch(`${server.origin}/api/health/ready`).catch(() => null)
  await until(async () => (await ready())?.status === 503)
  expect((await new Agent(server.origin).send('POST', '/api/qr', {})).status).toBe(503)
  expect(await redis.send('INFO commandstats')).not.toContain('cmdstat_eval')
  await server.dispose()
  await starting
})
