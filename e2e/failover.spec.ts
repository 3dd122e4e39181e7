import { hasRedisServer, RedisServer } from '../test/support/redis-server'
import { Wire } from '../test/support/wire'
import { Agent } from './support/agent'
import { Server } from './support/server'
import { expect, test, until } from './support/test'

/**
 * A primary and a replica, and an address that leads new connections to the primary, as a managed
 * Redis has.
 */

test.describe.configure({ mode: 'serial' })
test.skip(!hasRedisServer(), 'there is no redis-server on this machine')

/** A second, and what a busy machine adds. */
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

/**
 * Requests that read, write, and do both, 20 a second, until `end`: what came of them, by status.
 */
function traffic() {
  const statuses: Record<string, number> = {}
  const running: Promise<void>[] = []
  const count = async (method: string, path: string, body?: unknown) => {
    const startedAt = performance.now()
    const { status } = await phone.send(method, path, body)
    const word = performance.now() - startedAt > LATE_MS ? `${status} late` : String(status)
    statuses[word] = (statuses[word] ?? 0) + 1
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

/** Resolves when it is ready again, and requests that write and that read succeed: within 3 s. */
async function recover(): Promise<void> {
  const isWell = async () => {
    const answers = [await phone.send('POST', '/api/qr', {}), await phone.send('GET', '/api/sessions')]
    return answers.every(({ status }) => status < 300) && (await isReady())
  }
  await expect.poll(isWell, { timeout: 3_000, intervals: [50] }).toBe(true)
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
    // The address follows; connections that are open stay at the old primary, which goes on as a
    // replica.
    async () => {
      ;[primary, replica] = [replica, primary]
    },
  ],
]

for (const [name, fail, mend] of FAULTS) {
  test(`${name}: unready and 503 until it is mended, never 500, and well within 3 s`, async () => {
    const requests = traffic()
    await fail()
    await until(async () => !(await isReady()))
    await until(() => (requests.statuses[503] ?? 0) >= 20)
    expect(await isReady()).toBe(false)
    await mend()
    await recover()
    const others = Object.keys(await requests.end()).filter((status) => !/^(20\d|503)$/.test(status))
    expect(others).toEqual([])
  })
}

test('FAILOVER: 503 at most, never 500, and well within 3 s; a stream opened before it shows a scan made after', async () => {
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
  await recover()
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

test('a frozen replica: a cancel and a sign-out are 503 and done, and 2xx when they are repeated after it', async () => {
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
