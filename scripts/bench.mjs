// Measures waiting browsers, sign-ins, and reconnects after a restart: `npm run build && npm run bench`.
// Linux only: it reads /proc.
//   npm run bench -- --streams 10000 --sign-ins 500 --redis redis://localhost:6379
// With --redis it also reads the statistics of the Redis, which no other client should use meanwhile.
import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { LoadedServer } from './load/server.mjs'
import { WaitingBrowser } from './load/waiting-browser.mjs'

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

/** Longer than the whole run, so that no waiting attempt expires. */
const settings = { ATTEMPT_TTL_S: '3600' }
const server = new LoadedServer(values.redis === undefined ? settings : { ...settings, REDIS_URL: values.redis })
await server.start()
const phone = await server.signInPhone('ada')
for (let count = 0; count < 20; count += 1) await signIn()
const rssBefore = server.rss()
const memoryBefore = await redisMemory()

/** @type {WaitingBrowser[]} */
const browsers = []
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
await new Promise((resolve) => setTimeout(resolve, IDLE_S * 1000))
print(`idle: share of one core over ${IDLE_S} s`, (server.cpuMs() - idleCpu) / (IDLE_S * 1000))

const statsBefore = await redisStats()
const cpu = server.cpuMs()
const waits = []
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
for (const signal of /** @type {const} */ (['SIGTERM', 'SIGKILL'])) await restart(signal)
for (const browser of browsers) browser.leave()
await server.end('SIGKILL')
process.exit(0)

/**
 * Ends and restarts the server. Measures the time until all browsers are back, and the latency of
 * other requests.
 * @param {NodeJS.Signals} signal
 */
async function restart(signal) {
  const goodbyesBefore = goodbyes()
  const startedAt = performance.now()
  print(`${signal}: ms until it had ended`, await server.end(signal))
  print(`${signal}: goodbyes heard`, goodbyes() - goodbyesBefore)
  await server.start()
  print(`${signal}: ms until it was ready again`, performance.now() - startedAt)
  const cpuBefore = server.cpuMs()
  const { waits, failed } = await others(() => browsers.every(({ backAt }) => backAt < Number.POSITIVE_INFINITY))
  const backAfter = browsers.map(({ backAt }) => backAt - startedAt).sort((a, b) => a - b)
  for (const share of [0.5, 0.99]) print(`${signal}: ${share * 100} % back, ms`, at(backAfter, share))
  print(`${signal}: all back, ms`, backAfter.at(-1) ?? 0)
  print(`${signal}: CPU per browser that came back, ms`, (server.cpuMs() - cpuBefore) / STREAMS)
  print(`${signal}: others meanwhile, p50 ms`, at(waits, 0.5))
  print(`${signal}: others meanwhile, p99 ms`, at(waits, 0.99))
  print(`${signal}: others meanwhile, refused or reset`, failed)
}

function goodbyes() {
  return browsers.reduce((sum, browser) => sum + browser.goodbyes, 0)
}

/**
 * Sends 20 other requests a second until `isOver`. Returns their latencies, sorted, and how many
 * failed.
 * @param {() => boolean} isOver
 */
async function others(isOver) {
  /** @type {Promise<void>[]} */
  const asked = []
  /** @type {number[]} */
  const waits = []
  let failed = 0
  while (!isOver()) {
    const askedAt = performance.now()
    const answered = server.send('GET', '/api/phone/session', { cookie: phone }).then(
      () => {
        waits.push(performance.now() - askedAt)
      },
      () => {
        failed += 1
      },
    )
    asked.push(answered)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await Promise.all(asked)
  return { waits: waits.sort((a, b) => a - b), failed }
}

/** @param {number[]} sorted @param {number} share */
function at(sorted, share) {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0
}

/**
 * A complete sign-in. Returns the time from the scan to its event on the computer's stream, in ms.
 */
async function signIn() {
  const { path, code, cookie } = await server.startAttempt()
  let scannedAt = 0
  let shownAt = 0
  let ticket = ''
  let onTicket = () => {}
  const confirmed = new Promise((resolve) => {
    onTicket = () => resolve(null)
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
  await server.send('POST', '/api/qr/confirm', { body: { claim: json.claim }, cookie: phone })
  await confirmed
  const redeemed = await server.send('POST', `${path}/redeem`, { body: { ticket }, cookie })
  if (redeemed.status !== 200) throw new Error(`redeem answered ${redeemed.status}`)
  close()
  return shownAt - scannedAt
}

/** @param {string} what @param {number} value */
function print(what, value) {
  const figure = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))
  console.log(`${what.padEnd(52)} ${figure}`)
}

async function redisMemory() {
  return values.redis === undefined ? 0 : Number(/used_memory:(\d+)/.exec(await askRedis('INFO memory'))?.[1])
}

async function redisStats() {
  if (values.redis === undefined) return { scripts: 0, messages: 0, cpuMs: 0 }
  const commands = await askRedis('INFO commandstats')
  const cpu = await askRedis('INFO cpu')
  const callsOf = (/** @type {string} */ name) =>
    Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(commands)?.[1] ?? 0)
  const secondsOf = (/** @type {string} */ name) => Number(new RegExp(`${name}:([\\d.]+)`).exec(cpu)?.[1] ?? 0)
  return {
    scripts: callsOf('evalsha') + callsOf('eval'),
    messages: callsOf('publish'),
    cpuMs: (secondsOf('used_cpu_sys') + secondsOf('used_cpu_user')) * 1000,
  }
}

/** @param {string} command @returns {Promise<string>} */
function askRedis(command) {
  const { hostname, port } = new URL(values.redis ?? '')
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port || 6379), hostname, () => socket.write(`${command}\r\n`))
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
      if (text.endsWith('\r\n')) socket.destroy()
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}
