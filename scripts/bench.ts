// Measures waiting browsers, sign-ins, and reconnects after a restart. Linux only: it reads /proc.
//   npm run build && npm run bench
//   npm run bench -- --streams 10000 --sign-ins 500 --redis redis://localhost:6379
// With --redis it also reads the statistics of the Redis, which no other client should use at the
// same time.
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { LoadedServer } from './load/server'
import { WaitingBrowser } from './load/waiting-browser'

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '10000' },
    'sign-ins': { type: 'string', default: '500' },
    redis: { type: 'string' },
  },
})
const STREAMS = Number(values.streams)
const SIGN_INS = Number(values['sign-ins'])
const AT_ONCE = 50
const IDLE_S = 15

/** No waiting attempt expires during the run, and a confirm may follow the scan at once. */
const settings = { ATTEMPT_TTL_S: '3600', CONFIRM_MIN_MS: '0' }
const server = new LoadedServer(values.redis === undefined ? settings : { ...settings, REDIS_URL: values.redis })
await server.start()
const phone = await server.signInPhone('ada')
for (let count = 0; count < 20; count += 1) await signIn()
const rssBefore = server.rss()
const memoryBefore = await redisMemory()

const browsers: WaitingBrowser[] = []
const openedAt = performance.now()
const cpuBefore = server.cpuMs()
while (browsers.length < STREAMS) {
  const some = Array.from({ length: AT_ONCE }, () => new WaitingBrowser(server))
  await Promise.all(some.map((browser) => browser.start()))
  browsers.push(...some)
}
print('streams opened', STREAMS)
print('opening: CPU per attempt and stream, ms', (server.cpuMs() - cpuBefore) / STREAMS)
print('opening: per second', (STREAMS / (performance.now() - openedAt)) * 1000)
print('memory per stream, bytes of RSS', (server.rss() - rssBefore) / STREAMS)
if (values.redis !== undefined)
  print('Redis memory per waiting attempt, bytes', ((await redisMemory()) - memoryBefore) / STREAMS)

const idleCpu = server.cpuMs()
await pause(IDLE_S * 1000)
print(`idle: share of one core over ${IDLE_S} s`, (server.cpuMs() - idleCpu) / (IDLE_S * 1000))

const statsBefore = await redisStats()
const cpu = server.cpuMs()
const waits: number[] = []
for (let count = 0; count < SIGN_INS; count += 1) waits.push(await signIn())
waits.sort((a, b) => a - b)
print('sign-ins', SIGN_INS)
print('CPU per sign-in, ms', (server.cpuMs() - cpu) / SIGN_INS)
print('scan to screen, p50 ms', at(waits, 0.5))
print('scan to screen, p99 ms', at(waits, 0.99))
if (values.redis !== undefined) {
  const stats = await redisStats()
  print('Redis: scripts per sign-in', (stats.scripts - statsBefore.scripts) / SIGN_INS)
  print('Redis: messages per sign-in', (stats.messages - statsBefore.messages) / SIGN_INS)
  print('Redis: CPU per sign-in, ms', (stats.cpuMs - statsBefore.cpuMs) / SIGN_INS)
}
for (const signal of ['SIGTERM', 'SIGKILL'] as const) await restart(signal)
for (const browser of browsers) browser.leave()
await server.end('SIGKILL')
process.exit(0)

/**
 * Ends and restarts the server. Measures the time until all browsers have reconnected, and the
 * latency of other requests.
 */
async function restart(signal: NodeJS.Signals): Promise<void> {
  const byeEventsBefore = byeEvents()
  const startedAt = performance.now()
  print(`${signal}: ms until it had ended`, await server.end(signal))
  print(`${signal}: bye events received`, byeEvents() - byeEventsBefore)
  await server.start()
  print(`${signal}: ms until it was ready again`, performance.now() - startedAt)
  const cpuBefore = server.cpuMs()
  const { waits, failed } = await sendOthers(() => browsers.every(({ backAt }) => backAt < Number.POSITIVE_INFINITY))
  const backAfter = browsers.map(({ backAt }) => backAt - startedAt).sort((a, b) => a - b)
  for (const share of [0.5, 0.99]) print(`${signal}: ${share * 100} % reconnected, ms`, at(backAfter, share))
  print(`${signal}: all reconnected, ms`, backAfter.at(-1) ?? 0)
  print(`${signal}: CPU per reconnect, ms`, (server.cpuMs() - cpuBefore) / STREAMS)
  print(`${signal}: other requests meanwhile, p50 ms`, at(waits, 0.5))
  print(`${signal}: other requests meanwhile, p99 ms`, at(waits, 0.99))
  print(`${signal}: other requests meanwhile, refused or reset`, failed)
}

function byeEvents(): number {
  return browsers.reduce((sum, browser) => sum + browser.byeEvents, 0)
}

/**
 * Sends 20 other requests a second until `isOver`. Returns their latencies, sorted, and how many
 * failed.
 */
async function sendOthers(isOver: () => boolean): Promise<{ waits: number[]; failed: number }> {
  const running: Promise<void>[] = []
  const waits: number[] = []
  let failed = 0
  while (!isOver()) {
    const sentAt = performance.now()
    const outcome = server.send('GET', '/api/phone/session', { cookie: phone }).then(
      () => {
        waits.push(performance.now() - sentAt)
      },
      () => {
        failed += 1
      },
    )
    running.push(outcome)
    await pause(50)
  }
  await Promise.all(running)
  return { waits: waits.sort((a, b) => a - b), failed }
}

/** The quantile, by `share` from 0 to 1. */
function at(sorted: number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0
}

/**
 * A complete sign-in. Returns the time from the scan to its event on the computer's stream, in ms.
 */
async function signIn(): Promise<number> {
  const { path, code, cookie } = await server.startAttempt()
  let scannedAt = 0
  let shownAt = 0
  let ticket = ''
  let onTicket = () => {}
  const confirmed = new Promise<void>((resolve) => {
    onTicket = resolve
  })
  const close = await server.stream(`${path}/events`, cookie, (text) => {
    if (text.includes('"scanned"')) shownAt = performance.now()
    const found = /"ticket":"([^"]+)"/.exec(text)?.[1]
    if (found !== undefined) {
      ticket = found
      onTicket()
    }
  })
  scannedAt = performance.now()
  const { json } = await server.send('POST', '/api/qr/scan', { body: { code }, cookie: phone })
  const { status } = await server.send('POST', '/api/qr/confirm', { body: { claim: json.claim }, cookie: phone })
  if (status !== 200) throw new Error(`the response to a confirm is ${status}`)
  await confirmed
  const redeemed = await server.send('POST', `${path}/redeem`, { body: { ticket }, cookie })
  if (redeemed.status !== 200) throw new Error(`the response to a redeem is ${redeemed.status}`)
  close()
  return shownAt - scannedAt
}

function print(what: string, value: number): void {
  const figure = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))
  console.log(`${what.padEnd(52)} ${figure}`)
}

async function redisMemory(): Promise<number> {
  return values.redis === undefined ? 0 : Number(/used_memory:(\d+)/.exec(await redisInfo('memory'))?.[1])
}

async function redisStats(): Promise<{ scripts: number; messages: number; cpuMs: number }> {
  if (values.redis === undefined) return { scripts: 0, messages: 0, cpuMs: 0 }
  const commands = await redisInfo('commandstats')
  const cpu = await redisInfo('cpu')
  const callsOf = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(commands)?.[1] ?? 0)
  const secondsOf = (name: string) => Number(new RegExp(`${name}:([\\d.]+)`).exec(cpu)?.[1] ?? 0)
  return {
    scripts: callsOf('evalsha') + callsOf('eval'),
    messages: callsOf('publish'),
    cpuMs: (secondsOf('used_cpu_sys') + secondsOf('used_cpu_user')) * 1000,
  }
}

/** A section of INFO of the Redis at `--redis`, which was not started here: see RedisServer. */
function redisInfo(section: string): Promise<string> {
  const { hostname, port } = new URL(values.redis ?? '')
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port || 6379), hostname, () => socket.write(`INFO ${section}\r\n`))
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
      if (text.endsWith('\r\n')) socket.destroy()
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}
