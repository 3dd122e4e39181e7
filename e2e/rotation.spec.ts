import { hasRedisServer, RedisServer } from '../test/support/redis-server'
import { Agent } from './support/agent'
import { freePort, Server } from './support/server'
import { expect, test } from './support/test'

/**
 * Rotation of the secret without downtime: instances with two different settings run at the same
 * time, and each must accept what the other has issued.
 */

const OLD = 'the old secret with at least 32 characters'
const NEW = 'the new secret with at least 32 characters'

/** The two settings that run at the same time in each phase of the rotation. */
const PHASES = [
  ['first phase (old; old,new)', [OLD], [OLD, NEW]],
  ['second phase (old,new; new,old)', [OLD, NEW], [NEW, OLD]],
  ['third phase (new,old; new)', [NEW, OLD], [NEW]],
] as const

test.skip(!hasRedisServer(), 'redis-server is not available')

let redis: RedisServer
test.beforeAll(async () => {
  redis = await RedisServer.start()
})
test.afterAll(async () => redis.dispose())

async function startWith(secrets: readonly string[], origin: string, more: Record<string, string> = {}) {
  const settings = { REDIS_URL: redis.url, SESSION_SECRET: secrets.join(','), PUBLIC_ORIGIN: origin, ...more }
  const server = new Server(await freePort(), { MATCH_POLICY: 'always', ...settings })
  await server.start()
  return server
}

/** A client that sends each request to the given instance. */
class RoamingClient {
  #to = ''
  readonly agent: Agent

  constructor(origin: string) {
    this.agent = new Agent(() => this.#to, origin)
  }

  at(server: Server): Agent {
    this.#to = server.origin
    return this.agent
  }
}

const codeOf = (attempt: { code: { url: string } }) => attempt.code.url.split('#')[1]
const keyIds = (output: string) =>
  new Set([...output.matchAll(/"event":"attempt\.[^\n]*"key":"(\w{8})"/g)].map(([, id]) => id))

for (const [title, first, second] of PHASES) {
  test(`${title}: code, claim, number, ticket and session of one instance are valid on the other`, async () => {
    const origin = 'http://rotation.test'
    const servers = await Promise.all([startWith(first, origin), startWith(second, origin)])
    for (const [a, b] of [servers, [...servers].reverse()] as [Server, Server][]) {
      const [computer, phone] = [new RoamingClient(origin), new RoamingClient(origin)]
      await phone.at(b).send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
      const { json: attempt } = await computer.at(a).send('POST', '/api/qr', {})
      const { json: read } = await computer.at(b).send('GET', `/api/qr/${attempt.id}`)
      expect(read.code.url).toBe(attempt.code.url)
      const body = { code: codeOf(attempt) }
      const { json: review } = await phone.at(b).send('POST', '/api/qr/scan', body)
      const { json: again } = await phone.at(a).send('POST', '/api/qr/scan', body)
      expect([again.claim, again.match.number]).toEqual([review.claim, review.match.number])
      const number = { number: review.match.number }
      expect((await computer.at(a).send('POST', `/api/qr/${attempt.id}/match`, number)).status).toBe(200)
      const claim = { claim: review.claim }
      for (const at of [a, b]) expect((await phone.at(at).send('POST', '/api/qr/confirm', claim)).status).toBe(200)
      const { json: mine } = await computer.at(a).send('GET', `/api/qr/${attempt.id}`)
      const { json: yours } = await computer.at(b).send('GET', `/api/qr/${attempt.id}`)
      expect(mine.ticket).toBe(yours.ticket)
      const redeem = { ticket: mine.ticket }
      const once = await computer.at(b).send('POST', `/api/qr/${attempt.id}/redeem`, redeem)
      const repeat = await computer.at(a).send('POST', `/api/qr/${attempt.id}/redeem`, redeem)
      expect([once.status, repeat.status, repeat.json.session.id]).toEqual([200, 200, once.json.session.id])
      for (const at of [a, b]) {
        expect((await computer.at(at).send('GET', '/api/session')).json.signedIn).toBe(true)
        expect((await phone.at(at).send('GET', '/api/sessions')).status).toBe(200)
      }
    }
    const known = servers.map(({ output }) => keyIds(output))
    const ids = new Set(known.flatMap((each) => [...each]))
    for (const each of known) expect(each.size).toBe(1)
    expect(ids.size).toBe(first[0] === second[0] ? 1 : 2)
    for (const server of servers) await server.dispose()
  })
}

test('two instances that sign with different secrets share their rate limits', async () => {
  const origin = 'http://rotation.test'
  const limits = { RATE_LIMIT_SCALE: '1' }
  const servers = await Promise.all([startWith([OLD, NEW], origin, limits), startWith([NEW, OLD], origin, limits)])
  const computer = new RoamingClient(origin)
  const statuses: number[] = []
  for (let count = 0; count < 8; count += 1) {
    const { status } = await computer.at(servers[count % 2] as Server).send('POST', '/api/qr', {})
    statuses.push(status)
  }
  expect(statuses).toEqual([201, 201, 201, 201, 201, 201, 429, 429])
  const names = Array.from({ length: 8 }, (_, index) => servers[index % 2] as Server)
  const tries: number[] = []
  for (const server of names) {
    const phone = new RoamingClient(origin).at(server)
    tries.push((await phone.send('POST', '/api/phone/session', { username: 'sam', password: 'x' })).status)
  }
  expect(tries).toEqual([401, 401, 401, 401, 401, 429, 429, 429])
  for (const server of servers) await server.dispose()
})

test('a cookie sealed with the old secret is resealed when it is read, and outlives that secret', async () => {
  const origin = 'http://rotation.test'
  const before = await startWith([OLD], origin)
  const phone = new RoamingClient(origin)
  await phone.at(before).send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
  const idle = new RoamingClient(origin)
  await idle.at(before).send('POST', '/api/phone/session', { username: 'lin', password: 'demo' })
  await before.dispose()
  const during = await startWith([NEW, OLD], origin)
  const sealed = phone.agent.cookies.get('qr_phone')
  const read = await phone.at(during).open('GET', '/api/phone/session')
  expect(read.headers.getSetCookie()).toHaveLength(1)
  expect(phone.agent.cookies.get('qr_phone')).not.toBe(sealed)
  expect((await phone.at(during).open('GET', '/api/phone/session')).headers.getSetCookie()).toEqual([])
  await during.dispose()
  const after = await startWith([NEW], origin)
  expect((await phone.at(after).send('GET', '/api/phone/session')).json.signedIn).toBe(true)
  // A cookie that was not read during the rotation is invalid after it.
  expect((await idle.at(after).send('GET', '/api/phone/session')).json.signedIn).toBe(false)
  await after.dispose()
})
