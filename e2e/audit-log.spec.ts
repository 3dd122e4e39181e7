import { Agent } from './support/agent'
import { Server } from './support/server'
import { expect, test, until } from './support/test'
import { AUDIENCE, BEARER_SETTINGS, ISSUER, JWT_SECRET, SIGNING_SECRET, signatureOf, tokenOf } from './support/tokens'

/** The secrets and ids that a run has issued, with the kind of each. */
class Secrets {
  readonly #all = new Map<string, string>()

  add(kind: string, value: unknown): void {
    if (typeof value === 'string' && value.length >= 8) this.#all.set(value, kind)
  }

  /** Adds the secrets in the body of a response. */
  addBody(body: unknown): void {
    JSON.stringify(body, (name, value: unknown) => {
      if (['id', 'claim', 'ticket', 'username'].includes(name)) this.add(name, value)
      if (name === 'url' && typeof value === 'string') this.add('code', value.split('#')[1])
      return value
    })
  }

  addCookies(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = line.split(';')[0]?.split('=') ?? []
      this.add(name, value)
      this.add(name, decodeURIComponent(value))
    }
  }

  get size(): number {
    return this.#all.size
  }

  foundIn(output: string): string[] {
    return [...this.#all].filter(([value]) => output.includes(value)).map(([, kind]) => kind)
  }
}

test('the log has every step of a full run, and none of the secrets issued in it', async () => {
  const secrets = new Secrets()
  const server = await Server.start({
    ...BEARER_SETTINGS,
    API_SIGNING_SECRET: SIGNING_SECRET,
    LOG_LEVEL: 'trace',
    RATE_LIMIT_SCALE: '1',
  })
  const send = async (agent: Agent, method: string, path: string, body?: unknown) => {
    const response = await agent.open(method, path, body)
    secrets.addCookies(response)
    const text = await response.text()
    const json = text.startsWith('{') ? JSON.parse(text) : null
    secrets.addBody(json)
    return json
  }

  /** A sign-in with a phone cookie. `wrong`: the first redeem has a wrong ticket. */
  const signIn = async (person: string, end: 'redeem' | 'cancel' | 'wrong') => {
    const [computer, phone] = [new Agent(server.origin), new Agent(server.origin)]
    await send(phone, 'POST', '/api/phone/session', { username: person, password: 'demo' })
    const attempt = await send(computer, 'POST', '/api/qr', {})
    const path = `/api/qr/${attempt.id}`
    const events = await computer.open('GET', `${path}/events`)
    const { claim } = await send(phone, 'POST', '/api/qr/scan', { code: attempt.code.url.split('#')[1] })
    if (end === 'cancel') return await send(phone, 'POST', '/api/qr/cancel', { claim })
    await send(phone, 'POST', '/api/qr/confirm', { claim })
    const { ticket } = await send(computer, 'GET', path)
    await send(computer, 'POST', `${path}/redeem`, { ticket: end === 'wrong' ? `${ticket}x` : ticket })
    await send(computer, 'POST', `${path}/redeem`, { ticket })
    for (const page of ['/', '/login?next=/x', '/q', '/phone']) await (await computer.open('GET', page)).text()
    await events.body?.cancel()
    await send(computer, 'DELETE', '/api/session')
    return await send(phone, 'DELETE', '/api/phone/session')
  }
  await signIn('ada', 'redeem')
  await signIn('lin', 'cancel')
  await signIn('sam', 'wrong')

  // A native app, a repeated signature, and a forged token.
  const token = tokenOf('mei-of-the-native-app')
  secrets.add('token', token)
  secrets.add('person', 'mei-of-the-native-app')
  const attempt = await send(new Agent(server.origin), 'POST', '/api/qr', {})
  const body = JSON.stringify({ code: attempt.code.url.split('#')[1] })
  const signed = signatureOf('POST', '/api/qr/scan', body)
  for (const value of Object.values(signed)) secrets.add('signature', value.length > 12 ? value : '')
  for (const [bearer, status] of [
    [token, 200],
    [token, 401],
    [`${token}x`, 401],
  ] as const) {
    const headers = { Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/json', ...signed }
    const response = await fetch(`${server.origin}/api/qr/scan`, { method: 'POST', headers, body })
    expect(response.status).toBe(status)
    secrets.addBody(await response.json())
  }

  // A careless client sends a secret in the wrong places.
  const careless = new Agent(server.origin)
  const planted = 'a-secret-in-the-wrong-place'
  secrets.add('planted', planted)
  for (const path of [
    `/api/qr/${planted}`,
    `/api/${planted}`,
    `/api/session?x=${planted}`,
    `/api/qr/${planted}/events`,
  ]) {
    await (await careless.open('GET', path)).text()
  }
  await send(careless, 'POST', '/api/phone/session', { username: planted, password: planted })
  await send(careless, 'POST', '/api/qr', { id: planted })
  await send(careless, 'POST', `/api/qr/${planted}/redeem`, { ticket: planted })
  for (let count = 0; count < 8; count += 1) await send(careless, 'POST', '/api/qr', {})
  for (const value of [JWT_SECRET, SIGNING_SECRET, server.secret]) secrets.add('setting', value)
  await server.end('SIGTERM')

  const lines = server.output.split('\n').filter((line) => line.startsWith('{'))
  const events = lines.map((line) => JSON.parse(line) as { event?: string; code?: string })
  const logged = new Set(events.map(({ event }) => event))
  for (const event of [
    'attempt.started',
    'attempt.scanned',
    'attempt.confirmed',
    'attempt.redeemed',
    'attempt.cancelled',
    'session.created',
    'session.revoked',
    'refused',
    'limited',
  ]) {
    expect(logged).toContain(event)
  }
  const codes = new Set(events.filter(({ event }) => event === 'refused').map(({ code }) => code))
  for (const code of [
    'not_found',
    'ticket_wrong',
    'credentials_wrong',
    'bad_request',
    'signature_wrong',
    'token_wrong',
  ]) {
    expect(codes).toContain(code)
  }
  expect(events.filter(({ event }) => event === 'attempt.redeemed')).toHaveLength(2)
  expect(secrets.size).toBeGreaterThan(40)
  expect(secrets.foundIn(server.output)).toEqual([])
  for (const name of ['Ada Byron', 'Mei Tan', '127.0.0.1', '::1', ISSUER, AUDIENCE])
    expect(server.output).not.toContain(name)
  await server.dispose()
})

test('the log distinguishes a wrong number, a passed one and a cancel', async () => {
  const server = await Server.start({ MATCH_POLICY: 'always' })
  const [computer, phone] = [new Agent(server.origin), new Agent(server.origin)]
  await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
  const attempt = (await computer.send('POST', '/api/qr', {})).json
  const review = (await phone.send('POST', '/api/qr/scan', { code: attempt.code.url.split('#')[1] })).json
  const wrong = review.match.number === '42' ? '43' : '42'
  await computer.send('POST', `/api/qr/${attempt.id}/match`, { number: wrong })
  await computer.send('POST', `/api/qr/${attempt.id}/match`, { number: review.match.number })
  await phone.send('POST', '/api/qr/cancel', { claim: review.claim })
  const steps = () => [...server.output.matchAll(/"event":"attempt\.(\w+)"/g)].map(([, step]) => step)
  await until(() => steps().length >= 5)
  expect(steps()).toEqual(['started', 'scanned', 'match_wrong', 'match_passed', 'cancelled'])
  await server.dispose()
})
