import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { expect, test } from 'vitest'
import { Agent } from '../../e2e/support/agent'
import { Chance } from '../../test/support/chance'
import { ServerProcess } from '../../test/support/embedded-server'
import { hasRedisServer, RedisServer } from '../../test/support/redis-server'
import { until } from '../../test/support/until'
import { type ReceivedWebhook, WebhookReceiver } from '../../test/support/webhook-receiver'

/**
 * Real server processes are killed (SIGKILL) at random moments while people sign in, sign out and
 * decline. Afterwards the store has every change that was made, acknowledged or not: each must have
 * arrived, and nothing else.
 */

const PEOPLE = ['ada', 'lin', 'sam', 'yuki']
const ROUNDS = 4

/** A delivery in flight at the last kill is repeated when its lease has ended, after 30 s. */
const SETTLED_MS = 60_000

const SETTINGS = {
  PUBLIC_ORIGIN: 'http://localhost:3000',
  SESSION_SECRET: 'a secret for tests that is long enough',
  DEMO_ACCOUNTS: 'true',
  CONFIRM_MIN_MS: '0',
  MATCH_POLICY: 'never',
  MAX_COMPUTERS: '3',
  RATE_LIMIT_SCALE: '100000',
  LOG_LEVEL: 'silent',
}

/** Registers what ends after a test, the last one first. The tests run at the same time. */
type OnEnd = (end: () => Promise<void> | void) => void

async function createServer(env: Record<string, string>, onEnd: OnEnd): Promise<ServerProcess> {
  const server = await ServerProcess.create({ ...SETTINGS, ...env })
  onEnd(() => server.kill())
  return server
}

function createFolder(onEnd: OnEnd): string {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-crash-'))
  onEnd(() => rmSync(folder, { recursive: true }))
  return folder
}

/** What people have done since the start of a process. */
interface Use {
  signIns: number
  declined: number
}

/** Signs computers in, out, and declines, until a request fails: the server was killed. */
async function signInUntilKilled(
  origin: string,
  person: string,
  { use, chance }: { use: Use; chance: Chance },
): Promise<void> {
  const newAgent = () => new Agent(() => origin, 'http://localhost:3000')
  try {
    const phone = newAgent()
    await phone.send('POST', '/api/phone/session', { username: person, password: 'demo' })
    for (;;) {
      const computer = newAgent()
      const { json: attempt } = await computer.send('POST', '/api/qr', {})
      const { json: review } = await phone.send('POST', '/api/qr/scan', { code: attempt.code.url.split('#')[1] })
      if (use.declined === 0 || chance.happens(0.2)) {
        await phone.send('POST', '/api/qr/cancel', { claim: review.claim })
        use.declined += 1
        continue
      }
      await phone.send('POST', '/api/qr/confirm', { claim: review.claim })
      const { json: confirmed } = await computer.send('GET', `/api/qr/${attempt.id}`)
      await computer.send('POST', `/api/qr/${attempt.id}/redeem`, { ticket: confirmed.ticket })
      use.signIns += 1
      if (chance.happens(0.3)) await computer.send('DELETE', '/api/session')
      if (chance.happens(0.1)) await phone.send('DELETE', '/api/sessions')
    }
  } catch {
    // Killed.
  }
}

/** Kills the process at a random moment, when at least two computers have signed in. */
async function signInAndKill(server: ServerProcess, chance: Chance): Promise<void> {
  const use = { signIns: 0, declined: 0 }
  const uses = PEOPLE.map((person) => signInUntilKilled(server.origin, person, { use, chance }))
  await until(() => use.signIns >= 2 && use.declined > 0, { everyMs: 1 })
  await new Promise((resolve) => setTimeout(resolve, chance.below(400)))
  await server.kill()
  await Promise.all(uses)
}

/** A receiver that needs a random time, so that kills fall into deliveries too. */
async function startReceiver(chance: Chance, onEnd: OnEnd): Promise<WebhookReceiver> {
  const receiver = await WebhookReceiver.start()
  receiver.workMs = () => 1 + chance.below(60)
  onEnd(() => receiver.stop())
  return receiver
}

/** The ids of the events that belong to the changes in the store. */
type ReadChanges = () => Promise<string[]> | string[]

async function expectAll(receiver: WebhookReceiver, readChanges: ReadChanges): Promise<void> {
  const expected = new Set(await readChanges())
  const missing = () => [...expected].filter((id) => !receiver.ids.includes(id))
  await expect.poll(missing, { timeout: SETTLED_MS, interval: 500 }).toEqual([])
  expect(receiver.ids.filter((id) => !expected.has(id))).toEqual([])
  expect(receiver.refused).toEqual([])
  for (const person of PEOPLE) expectOrder(receiver.received.filter(({ data }) => data.person.id === person))
}

/** Per person, events arrive in the order of their changes, repeats aside. */
function expectOrder(received: ReceivedWebhook[]): void {
  const first = received.filter(({ id }, at) => received.findIndex((each) => each.id === id) === at)
  const times = first.map(({ timestamp }) => Date.parse(timestamp))
  expect(times).toEqual([...times].sort((a, b) => a - b))
  for (const [at, { type, data }] of first.entries()) {
    if (type !== 'session.revoked') continue
    const begin = first.findIndex((each) => each.id === `created_${data.session.id}`)
    expect(begin).toBeLessThan(at)
  }
}

const seed = Date.now() % 1_000_000

const TIMEOUT = { timeout: 480_000 }

test.concurrent(
  `a process on the embedded store is killed ${ROUNDS} times (seed ${seed})`,
  TIMEOUT,
  async ({ onTestFinished: onEnd }) => {
    const chance = new Chance(seed)
    const receiver = await startReceiver(chance, onEnd)
    const folder = createFolder(onEnd)
    const server = await createServer({ ...receiver.env, DATA_DIR: folder }, onEnd)
    for (let round = 0; round < ROUNDS; round += 1) {
      await server.start()
      await signInAndKill(server, chance)
    }
    const db = new Database(join(folder, 'qr-login.db'))
    const sessions = db.prepare("SELECT id, revoked_at FROM sessions WHERE kind = 'computer'").all() as SessionRow[]
    const attempts = (db.prepare('SELECT data FROM attempts').all() as { data: string }[]).map(({ data }) =>
      JSON.parse(data),
    )
    db.close()
    const declined = attempts.filter(({ cancelledBy }) => cancelledBy === 'phone').map(({ id }) => `declined_${id}`)
    expect(sessions.length).toBeGreaterThan(ROUNDS)
    expect(declined.length).toBeGreaterThan(0)
    await server.start()
    await expectAll(receiver, () => [...declined, ...sessions.flatMap(toIds)])
  },
)

test
  .skipIf(!hasRedisServer())
  .concurrent(
    `two processes on one Redis are killed in turn ${ROUNDS} times (seed ${seed})`,
    TIMEOUT,
    async ({ onTestFinished: onEnd }) => {
      const chance = new Chance(seed)
      const receiver = await startReceiver(chance, onEnd)
      const redis = await RedisServer.start()
      onEnd(() => redis.dispose())
      const env = { ...receiver.env, REDIS_URL: redis.url, DATA_DIR: createFolder(onEnd) }
      const servers = [await createServer(env, onEnd), await createServer(env, onEnd)]
      await Promise.all(servers.map((server) => server.start()))
      for (let round = 0; round < ROUNDS; round += 1) {
        const victim = servers[round % 2] as ServerProcess
        await signInAndKill(victim, chance)
        await victim.start()
      }
      const read = async () => {
        const script = `
        local found = {}
        for _, key in ipairs(redis.call('KEYS', 'qr-login:s:*')) do
          if redis.call('HGET', key, 'kind') == 'computer' then
            found[#found + 1] = { id = string.sub(key, 12), revoked_at = tonumber(redis.call('HGET', key, 'revoked') or 0) }
          end
        end
        local declined = {}
        for _, key in ipairs(redis.call('KEYS', 'qr-login:a:*')) do
          if string.find(redis.call('GET', key), '"cancelledBy":"phone"', 1, true) then
            declined[#declined + 1] = string.sub(key, 12)
          end
        end
        return cjson.encode({ sessions = found, declined = declined })`
        const reply = await redis.send(['EVAL', script, '0'])
        return JSON.parse(reply.slice(reply.indexOf('\r\n'))) as { sessions: SessionRow[]; declined: string[] }
      }
      const { sessions, declined } = await read()
      expect(sessions.length).toBeGreaterThan(ROUNDS)
      await expectAll(receiver, () => [...declined.map((id) => `declined_${id}`), ...sessions.flatMap(toIds)])
    },
  )

interface SessionRow {
  id: string
  revoked_at: number | null
}

function toIds({ id, revoked_at }: SessionRow): string[] {
  return revoked_at === null || revoked_at === 0 ? [`created_${id}`] : [`created_${id}`, `revoked_${id}`]
}
