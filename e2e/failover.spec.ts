import { hasRedisServer, RedisServer } from '../test/support/redis-server'
import { Wire } from '../test/support/wire'
import { Agent } from './support/agent'
import { Server } from './support/server'
import { expect, test, until } from './support/test'

/**
 * A primary and a replica behind one address that leads new connections to the primary, as with a
 * managed Redis.
 */

test.describe.configure({ mode: 'serial' })
test.skip(!hasRedisServer(), 'redis-server is not available')

/** One second, plus a margin for a busy machine. */
const LATE_MS = 1_200

let primary: RedisServer
let replica: RedisServer
let wire: Wire
let server: Server
let phone: Agent

test.beforeAll(async () => {
  primary = await RedisServer.start()
  replica = await RedisServer.start()
  await replica.replicate(primary)
  wire = await Wire.open(() => primary.port)
  server = await Server.start({ REDIS_URL: `redis://127.0.0.1:${wire.port}` })
  phone = new Agent(server.origin)
  await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
})

test.afterAll(async () => {
  await server.dispose()
  await wire.close()
  await primary.dispose()
  await replica.dispose()
})

const isReady = async () => (await fetch(`${server.origin}/api/health/ready`)).ok

/** Sends 20 requests a second, reads and writes, until `end`. Counts the responses by status. */
function traffic() {
  const statuses: Record<string, number> = {}
  const running: Promise<void>[] = []
  const count = async (method: string, path: string, body?: unknown) => {
    const startedAt = performance.now()
    const { status } = await phone.send(method, path, body)
    const key = performance.now() - startedAt > LATE_MS ? `${status} late` : String(status)
    statuses[key] = (statuses[key] ?? 0) + 1
  }
  const timer = setInterval(() => {
    running.push(count('POST', '/api/qr', {}), count('GET', '/api/sessions'))
  }, 100)
  return {
    statuses,
    end: async () => {
      clearInterval(timer)
      await Promise.all(running)
      return statuses
    },
  }
}

/** Waits up to 3 s until the server is ready and both reads and writes succeed. */
async function expectRecovery(): Promise<void> {
  const hasRecovered = async () => {
    const responses = [await phone.send('POST', '/api/qr', {}), await phone.send('GET', '/api/sessions')]
    return responses.every(({ status }) => status < 300) && (await isReady())
  }
  await expect.poll(hasRecovered, { timeout: 3_000, intervals: [50] }).toBe(true)
}

const FAULTS: [string, () => Promise<unknown>, () => Promise<unknown>][] = [
  [
    'min-replicas-to-write',
    () => primary.send('CONFIG SET min-replicas-to-write 2'),
    () => primary.send('CONFIG SET min-replicas-to-write 0'),
  ],
  ['maxmemory', () => primary.send('CONFIG SET maxmemory 1'), () => primary.send('CONFIG SET maxmemory 0')],
  [
    'REPLICAOF',
    async () => {
      await replica.send('REPLICAOF NO ONE')
      await primary.send(`REPLICAOF 127.0.0.1 ${replica.port}`)
    },
    // The address leads to the new primary. Open connections stay on the old one, now a replica.
    async () => {
      ;[primary, replica] = [replica, primary]
    },
  ],
]

for (const [name, fail, repair] of FAULTS) {
  test(`${name}: unready and 503 until it is repaired, never 500, and ready within 3 s`, async () => {
    const requests = traffic()
    await fail()
    await until(async () => !(await isReady()))
    await until(() => (requests.statuses[503] ?? 0) >= 20)
    expect(await isReady()).toBe(false)
    await repair()
    await expectRecovery()
    const others = Object.keys(await requests.end()).filter((status) => !/^(20\d|503)$/.test(status))
    expect(others).toEqual([])
  })
}

test('FAILOVER: 503 at most, never 500, ready within 3 s; an open stream receives a later scan', async () => {
  await until(async () => (await primary.send('INFO replication')).includes('state=online'))
  const computer = new Agent(server.origin)
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const stream = await computer.open('GET', `/api/qr/${attempt.id}/events`)
  let text = ''
  const reader = stream.body?.getReader()
  const reading = (async () => {
    for (let chunk = await reader?.read(); chunk !== undefined && !chunk.done; chunk = await reader?.read()) {
      text += Buffer.from(chunk.value).toString()
    }
  })()
  await until(() => text.includes('"pending"'))
  const requests = traffic()
  await primary.send('FAILOVER')
  await until(async () => (await replica.send('ROLE')).includes('master'))
  ;[primary, replica] = [replica, primary]
  await expectRecovery()
  const codes = [...text.matchAll(/"url":"[^"#]*#([^"]+)"/g)]
  const scan = await phone.send('POST', '/api/qr/scan', { code: codes.at(-1)?.[1] })
  expect(scan.status).toBe(200)
  await until(() => text.includes('"scanned"'))
  const others = Object.keys(await requests.end()).filter((status) => !/^(20\d|503)$/.test(status))
  expect(others).toEqual([])
  await phone.send('POST', '/api/qr/cancel', { claim: scan.json.claim })
  await reader?.cancel()
  await reading
})

test('a frozen replica: a cancel and a sign-out get 503 but take effect; repeated later, they get 2xx', async () => {
  await until(async () => (await primary.send('INFO replication')).includes('state=online'))
  const computer = new Agent(server.origin)
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const code = attempt.code.url.split('#')[1]
  const { json: review } = await phone.send('POST', '/api/qr/scan', { code })
  const cancel = () => phone.send('POST', '/api/qr/cancel', { claim: review.claim })
  const signOut = () => phone.send('DELETE', '/api/sessions')
  replica.freeze()
  expect([(await cancel()).status, (await signOut()).status]).toEqual([503, 503])
  expect((await computer.send('GET', `/api/qr/${attempt.id}`)).json.status).toBe('cancelled')
  replica.thaw()
  await until(async () => (await cancel()).status === 200)
  expect((await signOut()).status).toBe(204)
})
