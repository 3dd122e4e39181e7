import { hasRedisServer, RedisServer } from '../test/support/redis-server'
import { Agent } from './support/agent'
import { freePort, Server } from './support/server'
import { expect, test, until } from './support/test'

/** Three instances on one Redis, without sticky sessions. */

const ORIGIN = 'https://login.example.com'
const SECRET = 'the secret that all instances share'

test.describe.configure({ mode: 'serial' })
test.skip(!hasRedisServer(), 'redis-server is not available')

let redis: RedisServer
let servers: Server[] = []

test.beforeAll(async () => {
  redis = await RedisServer.start()
  const settings = { REDIS_URL: redis.url, SESSION_SECRET: SECRET, PUBLIC_ORIGIN: ORIGIN, MATCH_POLICY: 'never' }
  servers = await Promise.all(
    [1, 2, 3].map(async () => {
      const server = new Server(await freePort(), settings)
      await server.start()
      return server
    }),
  )
})

test.afterAll(async () => {
  for (const server of servers) {
    // One test makes the store unavailable. Every other error is unexpected.
    const isExpected = (line: string) => /"code":"unavailable"|the store cannot be written/.test(line)
    const isUnexpected = (line: string) => /"level":"(error|fatal)"/.test(line) && !isExpected(line)
    const failures = server.output.split('\n').filter(isUnexpected)
    await server.dispose()
    expect(failures).toEqual([])
  }
  await redis.dispose()
})

/** A client that sends each request to the next instance. */
function roamingAgent(): Agent {
  let at = 0
  const next = () => {
    at += 1
    return servers[at % servers.length]?.origin ?? ''
  }
  return new Agent(next, ORIGIN)
}

async function signedInPhone(username = 'ada'): Promise<Agent> {
  const phone = roamingAgent()
  await phone.send('POST', '/api/phone/session', { username, password: 'demo' })
  return phone
}

/** Repeats the request while the response is 503: on a busy machine the store may be late. */
async function sendUntilAvailable(agent: Agent, path: string, body: unknown) {
  for (;;) {
    const response = await agent.send('POST', path, body)
    if (response.status !== 503) return response
  }
}

const codeOf = (attempt: { code: { url: string } }) => attempt.code.url.split('#')[1]

test('a sign-in works with each of its requests on another instance', async () => {
  const computer = roamingAgent()
  const phone = await signedInPhone()
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const stream = await computer.open('GET', `/api/qr/${attempt.id}/events`)
  const text = stream.text()
  const { json: review } = await phone.send('POST', '/api/qr/scan', { code: codeOf(attempt) })
  expect((await phone.send('POST', '/api/qr/confirm', { claim: review.claim })).status).toBe(200)
  const { ticket } = (await computer.send('GET', `/api/qr/${attempt.id}`)).json
  expect((await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { ticket })).status).toBe(200)
  for (let count = 0; count < 3; count += 1) {
    expect((await computer.send('GET', '/api/session')).json).toMatchObject({ signedIn: true })
  }
  const statuses = [...(await text).matchAll(/event: attempt[\s\S]*?"status":"(\w+)"/g)].map(([, status]) => status)
  expect(statuses).toEqual(['pending', 'scanned', 'confirmed', 'redeemed'])
  const { sessions } = (await phone.send('GET', '/api/sessions')).json
  expect((await phone.send('DELETE', `/api/sessions/${sessions[0].id}`)).status).toBe(204)
  for (let count = 0; count < 3; count += 1) {
    expect((await computer.send('GET', '/api/session')).json).toEqual({ signedIn: false })
  }
})

test('50 scans and 50 redeems across instances: one scanner, one session', async () => {
  const computer = roamingAgent()
  const phones = await Promise.all(Array.from({ length: 50 }, () => signedInPhone('lin')))
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const scans = await Promise.all(
    phones.map((phone) => sendUntilAvailable(phone, '/api/qr/scan', { code: codeOf(attempt) })),
  )
  expect(scans.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(49).fill(409)])
  const winner = phones[scans.findIndex(({ status }) => status === 200)] as Agent
  const claim = scans.find(({ status }) => status === 200)?.json.claim
  await winner.send('POST', '/api/qr/confirm', { claim })
  const { ticket } = (await computer.send('GET', `/api/qr/${attempt.id}`)).json
  const path = `/api/qr/${attempt.id}/redeem`
  const redeems = await Promise.all(Array.from({ length: 50 }, () => sendUntilAvailable(computer, path, { ticket })))
  expect(new Set(redeems.map(({ status }) => status))).toEqual(new Set([200]))
  expect(new Set(redeems.map(({ json }) => json.session.id)).size).toBe(1)
  expect((await winner.send('GET', '/api/sessions')).json.sessions).toHaveLength(1)
})

test('a killed instance loses no attempt: another one streams it', async () => {
  const computer = roamingAgent()
  const phone = await signedInPhone('sam')
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const stream = await computer.open('GET', `/api/qr/${attempt.id}/events`)
  const streaming = servers[2]
  await streaming?.end('SIGKILL')
  await stream.text().catch(() => '')
  await streaming?.start()
  const { json: review } = await phone.send('POST', '/api/qr/scan', { code: codeOf(attempt) })
  await phone.send('POST', '/api/qr/confirm', { claim: review.claim })
  const again = await computer.open('GET', `/api/qr/${attempt.id}/events`)
  const reader = again.body?.getReader()
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toContain('"status":"confirmed"')
  await reader?.cancel()
})

test('if every message is lost, a scan still shows, and a confirmation within 2.5 s', async () => {
  const computer = roamingAgent()
  const phone = await signedInPhone('yuki')
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const stream = await computer.open('GET', `/api/qr/${attempt.id}/events`)
  let text = ''
  const reader = stream.body?.getReader()
  const reading = (async () => {
    for (;;) {
      const chunk = await reader?.read()
      if (chunk === undefined || chunk.done) return
      text += Buffer.from(chunk.value).toString()
    }
  })()
  await until(() => text.includes('"pending"'))
  const { json: review } = await phone.send('POST', '/api/qr/scan', { code: codeOf(attempt) })
  await until(() => text.includes('"scanned"'))
  // Without the set of watchers no instance is notified from here on.
  await redis.send(`DEL qr-login:w:${attempt.id}`)
  const confirmedAt = performance.now()
  await phone.send('POST', '/api/qr/confirm', { claim: review.claim })
  await until(() => text.includes('"confirmed"'))
  // 2.5 s, plus a margin for a busy machine.
  expect(performance.now() - confirmedAt).toBeLessThan(3_200)
  await phone.send('POST', '/api/qr/cancel', { claim: review.claim })
  await reader?.cancel()
  await reading
})

test('Redis hangs, then stops, then returns: 503 within 1 s, never a success, and ready within 3 s', async () => {
  const computer = roamingAgent()
  const phone = await signedInPhone()
  const sendAll = async () => {
    const startedAt = performance.now()
    const responses = await Promise.all([
      computer.send('POST', '/api/qr', {}),
      phone.send('GET', '/api/sessions'),
      phone.send('POST', '/api/qr/scan', { code: 'x' }),
    ])
    return { statuses: responses.map(({ status }) => status), ms: performance.now() - startedAt }
  }
  for (const [fail, repair] of [
    [async () => redis.freeze(), async () => redis.thaw()],
    [() => redis.kill(), () => redis.start()],
  ] as const) {
    await fail()
    const { statuses, ms } = await sendAll()
    expect(statuses).toEqual([503, 503, 503])
    expect(ms).toBeLessThan(1_000)
    // Readiness caches its result for half a second.
    await until(async () => (await fetch(`${servers[0]?.origin}/api/health/ready`)).status === 503)
    const ready = await fetch(`${servers[0]?.origin}/api/health/ready`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'unready', failing: ['store'] }])
    await repair()
    const repairedAt = performance.now()
    for (const server of servers) {
      await until(async () => (await fetch(`${server.origin}/api/health/ready`)).ok)
    }
    expect(performance.now() - repairedAt).toBeLessThan(3_000)
  }
  // The Redis restarted empty, so all sessions are gone; a new sign-in works.
  expect((await phone.send('GET', '/api/sessions')).status).toBe(401)
  await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
  expect((await phone.send('GET', '/api/sessions')).status).toBe(200)
})

test('every key has an expiry', async () => {
  const reply = await redis.send(
    `EVAL "local n = 0; for _, k in ipairs(redis.call('KEYS', '*')) do if redis.call('PTTL', k) < 0 then n = n + 1 end end; return n" 0`,
  )
  expect(reply.trim()).toBe(':0')
})
