import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, describe, expect, test } from 'vitest'
import { App, Browser, codeOf, signedInPhone, signInComputer } from '../../test/support/app'
import { hasRedisServer, RedisServer } from '../../test/support/redis-server'
import { METRICS_TOKEN, scrape } from '../../test/support/scrape'
import { WEBHOOK_SECRET, WebhookReceiver } from '../../test/support/webhook-receiver'

const HOUR_MS = 3_600_000
const PEOPLE = ['ada', 'lin', 'sam', 'yuki']

let app: App
let receiver: WebhookReceiver
afterEach(async () => {
  app.dispose()
  await receiver.stop().catch(() => {})
})

/** A server with a clock that only the test changes, and a receiver. */
async function open(env: Record<string, string> = {}): Promise<void> {
  receiver = await WebhookReceiver.start({ hasFakeClock: true })
  app = new App({ ...receiver.env, METRICS_TOKEN, RATE_LIMIT_SCALE: '100', ...env })
}

/** The same with the clock of this machine, so that the receiver verifies the time too. */
async function openNow(env: Record<string, string> = {}): Promise<void> {
  receiver = await WebhookReceiver.start()
  app = new App({ ...receiver.env, METRICS_TOKEN, RATE_LIMIT_SCALE: '100', ...env }, Date.now)
}

const depth = async () => (await scrape(app)).get('qr_login_outbox_depth')
const countOf = async (outcome: string) =>
  (await scrape(app)).get(`qr_login_outbox_deliveries_total{outcome="${outcome}"}`) ?? 0

/** The longest time until a delivery that has failed this often is tried again. */
const RETRY_MS = [5_000, 30_000, 300_000, 1_800_000, 7_200_000].map((ms) => ms * 1.25)

/** Moves the clock until the deliveries are due again, and waits until they have failed again. */
async function failAgain(tries: number, deliveries: number): Promise<void> {
  const before = await countOf('retried')
  app.now += RETRY_MS[tries] ?? 0
  await expect.poll(() => countOf('retried')).toBe(before + deliveries)
}

describe('each event arrives, signed as Standard Webhooks', () => {
  test('a sign-in, and a sign-out from the phone', async () => {
    await openNow()
    const phone = await signedInPhone(app, 'ada')
    await signInComputer(app, phone)
    const { sessions } = await phone.get<{ sessions: { id: string }[] }>('GET', '/api/sessions')
    const id = sessions[0]?.id
    await phone.send('DELETE', `/api/sessions/${id}`)
    await expect.poll(() => receiver.received.length).toBe(2)
    expect(receiver.refused).toEqual([])
    const [created, revoked] = receiver.received
    const { signedInAt, expiresAt, ...session } = created?.data.session ?? {}
    expect(Date.parse(expiresAt) - Date.parse(signedInAt)).toBe(7 * 24 * HOUR_MS)
    expect({ ...created, data: { ...created?.data, session } }).toMatchObject({
      id: `created_${id}`,
      type: 'session.created',
      timestamp: signedInAt,
      data: { person: { id: 'ada' }, session: { id, browser: 'Firefox', os: 'Linux', place: null } },
    })
    expect(revoked).toMatchObject({ id: `revoked_${id}`, type: 'session.revoked' })
    expect(revoked?.data).toEqual({ person: { id: 'ada' }, session: { id }, by: 'phone' })
  })

  test('an attempt that the phone declines, and one with two wrong numbers', async () => {
    await openNow({ MATCH_POLICY: 'always' })
    const phone = await signedInPhone(app, 'ada')
    const [declined, mistyped] = [new Browser(app), new Browser(app)]
    const first = await declined.start()
    await phone.get('POST', '/api/qr/cancel', { claim: (await phone.scan(first)).claim })
    const second = await mistyped.start()
    const number = (await phone.scan(second)).match.number === '42' ? '43' : '42'
    for (let tries = 0; tries < 2; tries += 1) {
      await mistyped.send('POST', `/api/qr/${second.id}/match`, { body: { number } })
    }
    await expect.poll(() => receiver.received.length).toBe(2)
    const computer = { browser: 'Firefox', os: 'Linux', place: null }
    const person = { id: 'ada' }
    expect(receiver.received.map(({ type, data }) => ({ type, data }))).toEqual([
      { type: 'attempt.declined', data: { person, attempt: { id: first.id, ...computer }, by: 'phone' } },
      { type: 'attempt.mismatch', data: { person, attempt: { id: second.id, ...computer }, by: 'match' } },
    ])
  })

  test('a limit of a person that refuses: once per rule in its window', async () => {
    await open({ RATE_LIMIT_SCALE: '1' })
    const phone = await signedInPhone(app, 'ada')
    const repeat = async (times: number, path: string, body: object) => {
      const statuses: number[] = []
      for (let count = 0; count < times; count += 1) statuses.push((await phone.send('POST', path, { body })).status)
      return statuses
    }
    const told = () => receiver.received.map(({ data }) => data)
    const person = { id: 'ada' }
    const statuses = await repeat(13, '/api/qr/confirm', { claim: 'x'.repeat(38) })
    expect(statuses.filter((status) => status === 429)).toHaveLength(3)
    await expect.poll(told).toEqual([{ person, by: 'confirm' }])
    const code = codeOf(await new Browser(app).start())
    const forged = `${code.slice(0, -2)}${code.endsWith('AA') ? 'BB' : 'AA'}`
    await repeat(7, '/api/qr/scan', { code: forged })
    await expect.poll(told).toEqual([
      { person, by: 'confirm' },
      { person, by: 'unknown_codes' },
    ])
    app.now += 10 * 60_000
    await repeat(13, '/api/qr/scan', { held: true })
    await repeat(13, '/api/qr/confirm', { claim: 'x'.repeat(38) })
    await expect.poll(() => receiver.received.length).toBe(4)
    await expect.poll(depth).toBe(0)
    expect(told().map(({ by }) => by)).toEqual(['confirm', 'unknown_codes', 'scan', 'confirm'])
    expect(new Set(receiver.ids).size).toBe(4)
  })

  test('with each key of a list, so that the receiver can replace its own', async () => {
    await openNow({ WEBHOOK_SECRET: `whsec_${Buffer.alloc(24, 9).toString('base64')}, ${WEBHOOK_SECRET}` })
    await signInComputer(app, await signedInPhone(app, 'ada'))
    await expect.poll(() => receiver.types).toEqual(['session.created'])
    expect(receiver.refused).toEqual([])
  })
})

describe('a receiver', () => {
  test('that is down for an hour loses nothing, and gets each event in order per person', async () => {
    await open()
    await receiver.stop()
    const phones = await Promise.all(PEOPLE.map((person) => signedInPhone(app, person)))
    for (const phone of phones) {
      await signInComputer(app, phone)
      await phone.send('DELETE', '/api/sessions')
      await signInComputer(app, phone)
    }
    // Each person's first event fails; the others wait behind it.
    await expect.poll(() => countOf('retried')).toBe(PEOPLE.length)
    const from = app.now
    for (const tries of [0, 1, 2, 3]) await failAgain(tries, PEOPLE.length)
    expect(app.now - from).toBeLessThan(HOUR_MS)
    app.now = from + HOUR_MS
    expect(await depth()).toBe(PEOPLE.length * 3)
    await receiver.listen()
    app.now += RETRY_MS.at(-1) ?? 0
    await expect.poll(depth).toBe(0)
    expect(receiver.received).toHaveLength(PEOPLE.length * 3)
    for (const person of PEOPLE) {
      const types = receiver.received.filter(({ data }) => data.person.id === person).map(({ type }) => type)
      expect(types).toEqual(['session.created', 'session.revoked', 'session.created'])
    }
  })

  test('that fails once gets the event again within 60 s, with the same id', async () => {
    await open()
    receiver.respond = (_, response) => response.writeHead(500).end()
    await signInComputer(app, await signedInPhone(app, 'ada'))
    await expect.poll(() => receiver.received.length).toBe(1)
    receiver.respond = (_, response) => response.writeHead(200).end('ok')
    app.now += 60_000
    await expect.poll(depth).toBe(0)
    const [id] = receiver.ids
    expect(receiver.ids).toEqual([id, id])
  })

  test('that answers 410 gets this event no more, and later ones', async () => {
    await open()
    receiver.respond = (_, response) => response.writeHead(410).end()
    const phone = await signedInPhone(app, 'ada')
    await signInComputer(app, phone)
    await expect.poll(() => countOf('dropped')).toBe(1)
    receiver.respond = (_, response) => response.writeHead(204).end()
    await phone.send('DELETE', '/api/sessions')
    await expect.poll(depth).toBe(0)
    expect(receiver.types).toEqual(['session.created', 'session.revoked'])
  })

  test('that fails for three days: the event is tried until then, and dropped after', async () => {
    await open()
    await receiver.stop()
    await signInComputer(app, await signedInPhone(app, 'ada'))
    await expect.poll(() => countOf('retried')).toBe(1)
    app.now += 3 * 24 * HOUR_MS - 60_000
    await expect.poll(() => countOf('retried')).toBe(2)
    expect(await depth()).toBe(1)
    app.now += 61_000
    await expect.poll(() => countOf('dropped')).toBe(1)
    expect(await depth()).toBe(0)
    expect(await countOf('retried')).toBe(2)
  })

  test('whose address is private gets nothing without OUTBOUND_ALLOW', async () => {
    await open({ OUTBOUND_ALLOW: '' })
    await signInComputer(app, await signedInPhone(app, 'ada'))
    await expect.poll(() => countOf('retried')).toBe(1)
    expect(receiver.received).toEqual([])
    app.restart({ OUTBOUND_ALLOW: '127.0.0.1' })
    app.now += RETRY_MS[0] ?? 0
    await expect.poll(() => receiver.types).toEqual(['session.created'])
  })

  test('that redirects is not followed: the event is tried again', async () => {
    await open()
    const elsewhere = await WebhookReceiver.start({ hasFakeClock: true })
    receiver.respond = (_, response) => response.writeHead(307, { Location: elsewhere.url }).end()
    await signInComputer(app, await signedInPhone(app, 'ada'))
    await expect.poll(() => countOf('retried')).toBe(1)
    expect(elsewhere.received.length + elsewhere.refused.length).toBe(0)
    await elsewhere.stop()
  })

  test('whose response never ends has received the event', async () => {
    await open()
    let written = 0
    receiver.respond = (_, response) => {
      response.writeHead(200)
      const more = setInterval(() => {
        written += 64
        response.write(Buffer.alloc(64 * 1024))
      }, 1)
      response.once('close', () => clearInterval(more))
    }
    await signInComputer(app, await signedInPhone(app, 'ada'))
    await expect.poll(() => countOf('delivered')).toBe(1)
    expect(written).toBeLessThan(16 * 1024)
    expect(receiver.received).toHaveLength(1)
  })

  test('that hangs does not delay the end of the server, which delivers the event after its restart', async () => {
    await openNow()
    receiver.respond = () => {}
    await signInComputer(app, await signedInPhone(app, 'ada'))
    await expect.poll(() => receiver.received.length).toBe(1)
    const startedAt = performance.now()
    await app.qrLogin.close()
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    receiver.respond = (_, response) => response.writeHead(204).end()
    app.restart()
    await expect.poll(() => receiver.received.length).toBe(2)
    await expect.poll(depth).toBe(0)
    expect(new Set(receiver.ids).size).toBe(1)
  })
})

describe('without WEBHOOK_URL', () => {
  /** Every kind of event, if events were written. */
  async function causeEvents(person = 'ada'): Promise<void> {
    const phone = await signedInPhone(app, person)
    await signInComputer(app, phone)
    await phone.send('DELETE', '/api/sessions')
    const { claim } = await phone.scan(await new Browser(app).start())
    await phone.get('POST', '/api/qr/cancel', { claim })
    for (let count = 0; count < 12; count += 1) await phone.send('POST', '/api/qr/confirm', { body: { claim } })
  }

  test('nothing is written to the embedded store, and the depth has no sample', async () => {
    await open({ WEBHOOK_URL: '', WEBHOOK_SECRET: '', RATE_LIMIT_SCALE: '1' })
    await causeEvents()
    const db = new Database(join(app.folder, 'qr-login.db'))
    const rows = db.prepare('SELECT event FROM outbox').all()
    const used = db.prepare("SELECT key FROM used WHERE key LIKE 'person.limited%'").all()
    db.close()
    expect([...rows, ...used]).toEqual([])
    expect(await depth()).toBeUndefined()
  })

  test.skipIf(!hasRedisServer())('nothing is written to a shared store, and nothing is claimed', async () => {
    const redis = await RedisServer.start()
    receiver = await WebhookReceiver.start()
    const env = { REDIS_URL: redis.url }
    const keys = async () => await redis.send(['EVAL', "return table.concat(redis.call('KEYS', '*o:*'), ' ')", '0'])
    app = new App(env, Date.now)
    await expect.poll(() => app.context.checkReady()).toBeNull()
    await causeEvents()
    expect(await keys()).toMatch(/^\$0/)
    // The same with the setting writes keys, each with an end.
    app.restart({ ...receiver.env, WEBHOOK_URL: 'http://127.0.0.1:1/' })
    await expect.poll(() => app.context.checkReady()).toBeNull()
    await causeEvents('lin')
    await expect.poll(keys).toContain('qr-login:o:entries')
    const endless =
      "local n = {} for _, k in ipairs(redis.call('KEYS', '*')) do if redis.call('TTL', k) < 0 then n[#n+1] = k end end return table.concat(n, ' ')"
    expect(await redis.send(['EVAL', endless, '0'])).toMatch(/^\$0/)
    app.dispose()
    await redis.dispose()
  })
})

test('a name that resolves to a private address is not connected to', async () => {
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await open({ WEBHOOK_URL: `https://localhost:${port}/`, OUTBOUND_ALLOW: '' })
  await signInComputer(app, await signedInPhone(app, 'ada'))
  await expect.poll(() => countOf('retried')).toBe(1)
  expect(connections).toBe(0)
  app.restart({ OUTBOUND_ALLOW: '127.0.0.1,::1' })
  app.now += RETRY_MS[0] ?? 0
  await expect.poll(() => countOf('retried')).toBe(1)
  expect(connections).toBe(1)
  await new Promise((resolve) => server.close(resolve))
})
