import { hasRedisServer, RedisServer } from '../test/support/redis-server'
import { Agent } from './support/agent'
import { freePort, Server } from './support/server'
import { expect, test, until } from './support/test'

/** Three instances on one Redis, and no stickiness: whoever is asked next is another one. */

const ORIGIN = 'https://login.example.com'
const SECRET = 'the secret that all instances share'

test.describe.configure({ mode: 'serial' })
test.skip(!hasRedisServer(), 'there is no redis-server on this machine')

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
    // A store that is away is one of the tests; anything else is a mistake of ours.
    const isExpected = (line: string) => /"code":"unavailable"|the store cannot be written/.test(line)
    const isMistake = (line: string) => /"level":"(error|fatal)"/.test(line) && !isExpected(line)
    const failures = server.output.split('\n').filter(isMistake)
    await server.dispose()
    expect(failures).toEqual([])
  }
  await redis.dispose()
})

/** A client whose every request goes to the next instance. */
function roaming(): Agent {
  let at = 0
  const next = () => {
    at += 1
    return servers[at % servers.length]?.origin ?? ''
  }
  return new Agent(next, ORIGIN)
}

async function signedInPhone(username = 'ada'): Promise<Agent> {
  const phone = roaming()
  await phone.send('POST', '/api/phone/session', { username, password: 'demo' })
  return phone
}

/**
 * Asks again while it is told to: on a machine that is busy with everything at once a store may be
 * late.
 */
async function insist(agent: Agent, path: string, body: unknown) {
  for (;;) {
    const answer = await agent.send('POST', path, body)
    if (answer.status !== 503) return answer
  }
}

const codeOf = (attempt: { code: { url: string } }) => attempt.code.url.split('#')[1]

test('started on one, streamed from the second, scanned on the third, redeemed anywhere', async () => {
  const computer = roaming()
  const phone = await signedInPhone()
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const stream = await computer.open('GET', `/api/qr/${attempt.id}/events`)
  const text = stream.text()
  const { json: review } = await phone.send('POST', '/api/qr/scan', { code: codeOf(attempt) })
  expect((await phone.send('POST', '/api/qr/confirm', { claim: review.claim })).status).toBe(200)
  const { ticket } = (await computer.send('GET', `/api/qr/${attempt.id}`)).json
  expect((await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { ticket })).status).toBe(200)
  for (let ask = 0; ask < 3; ask += 1) {
    expect((await computer.send('GET', '/api/session')).json).toMatchObject({ signedIn: true })
  }
  const statuses = [...(await text).matchAll(/event: attempt[\s\S]*?"status":"(\w+)"/g)].map(([, status]) => status)
  expect(statuses).toEqual(['pending', 'scanned', 'confirmed', 'redeemed'])
  const { sessions } = (await phone.send('GET', '/api/sessions')).json
  expect((await phone.send('DELETE', `/api/sessions/${sessions[0].id}`)).status).toBe(204)
  for (let ask = 0; ask < 3; ask += 1) {
    expect((await computer.send('GET', '/api/session')).json).toEqual({ signedIn: false })
  }
})

test('50 scans and 50 redeems across instances: one scanner, one session', async () => {
  const computer = roaming()
  const phones = await Promise.all(Array.from({ length: 50 }, () => signedInPhone('lin')))
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const scans = await Promise.all(phones.map((phone) => insist(phone, '/api/qr/scan', { code: codeOf(attempt) })))
  expect(scans.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(49).fill(409)])
  const winner = phones[scans.findIndex(({ status }) => status === 200)] as Agent
  const claim = scans.find(({ status }) => status === 200)?.json.claim
  await winner.send('POST', '/api/qr/confirm', { claim })
  const { ticket } = (await computer.send('GET', `/api/qr/${attempt.id}`)).json
  const path = `/api/qr/${attempt.id}/redeem`
  const redeems = await Promise.all(Array.from({ length: 50 }, () => insist(computer, path, { ticket })))
  expect(new Set(redeems.map(({ status }) => status))).toEqual(new Set([200]))
  expect(new Set(redeems.map(({ json }) => json.session.id)).size).toBe(1)
  expect((await winner.send('GET', '/api/sessions')).json.sessions).toHaveLength(1)
})

test('an instance that is killed loses no attempt: the stream goes on elsewhere', async () => {
  const computer = roaming()
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

test('every message lost: a scan and a confirmation still show, within 2.5 s once it is scanned', async () => {
  const computer = roaming()
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
  // From now on nobody is told anything: the set of watchers is gone.
  await redis.send(`DEL qr-login:w:${attempt.id}`)
  const confirmedAt = performance.now()
  await phone.send('POST', '/api/qr/confirm', { claim: review.claim })
  await until(() => text.includes('"confirmed"'))
  // 2.5 s, and what a busy machine adds.
  expect(performance.now() - confirmedAt).toBeLessThan(3_200)
  await phone.send('POST', '/api/qr/cancel', { claim: review.claim })
  await reader?.cancel()
  await reading
})

test('Redis hangs, then is gone, then is back: 503 within a second, never a yes, and soon well again', async () => {
  const computer = roaming()
  const phone = await signedInPhone()
  const ask = async () => {
    const startedAt = performance.now()
    const answers = await Promise.all([
      computer.send('POST', '/api/qr', {}),
      phone.send('GET', '/api/sessions'),
      phone.send('POST', '/api/qr/scan', { code: 'x' }),
    ])
    return { statuses: answers.map(({ status }) => status), ms: performance.now() - startedAt }
  }
  for (const [fail, mend] of [
    [async () => redis.freeze(), async () => redis.thaw()],
    [() => redis.kill(), () => redis.start()],
  ] as const) {
    await fail()
    const { statuses, ms } = await ask()
    expect(statuses).toEqual([503, 503, 503])
    expect(ms).toBeLessThan(1_000)
    // Readiness shares one answer for half a second.
    await until(async () => (await fetch(`${servers[0]?.origin}/api/health/ready`)).status === 503)
    const ready = await fetch(`${servers[0]?.origin}/api/health/ready`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'unready', failing: ['store'] }])
    await mend()
    const mendedAt = performance.now()
    for (const server of servers) {
      await until(async () => (await fetch(`${server.origin}/api/health/ready`)).ok)
    }
    expect(performance.now() - mendedAt).toBeLessThan(3_000)
  }
  // It came back empty: whoever was signed in is not, and can sign in again.
  expect((await phone.send('GET', '/api/sessions')).status).toBe(401)
  await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
  expect((await phone.send('GET', '/api/sessions')).status).toBe(200)
})

test('every key has an end', async () => {
  const reply = await redis.send(
    `EVAL "local n = 0; for _, k in ipairs(redis.call('KEYS', '*')) do if redis.call('PTTL', k) < 0 then n = n + 1 end end; return n" 0`,
  )
  expect(reply.trim()).toBe(':0')
})
