// Steady traffic, then none: the heap must be flat, and no resource may stay open.
//   npm run build && npm run soak
//   npm run soak -- --minutes 10 --redis redis://localhost:6379
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { LoadedServer } from './load/server'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, redis: { type: 'string' } } })
const MINUTES = Number(values.minutes)
const PER_SECOND = 20

/**
 * Allowed heap growth from the end of the first fifth, when all code is loaded and compiled, to the
 * end.
 */
const MOST_GROWTH = 0.1

const folder = mkdtempSync(join(tmpdir(), 'qr-login-soak-'))
const file = join(folder, 'probe.json')
/** A confirm may follow the scan at once. */
const settings = {
  CONFIRM_MIN_MS: '0',
  PROBE_FILE: file,
  ...(values.redis === undefined ? {} : { REDIS_URL: values.redis }),
}
const server = new LoadedServer(settings, ['--expose-gc', '--require', resolve('scripts/load/probe.cjs')])
await server.start()
const phones = await Promise.all(['ada', 'lin', 'sam', 'yuki'].map((name) => server.signInPhone(name)))
const before = await probe()
console.log('at rest', JSON.stringify(before))

const samples: { minute: number; heap: number }[] = []
const startedAt = performance.now()
let made = 0
let failed = 0
const minute = (): number => (performance.now() - startedAt) / 60_000
const timer = setInterval(() => {
  for (let count = 0; count < PER_SECOND / 10; count += 1) {
    signIn(made % 5 !== 0).then(
      () => {
        made += 1
      },
      () => {
        failed += 1
      },
    )
  }
}, 100)
while (minute() < MINUTES) {
  await pause(Math.min(30_000, MINUTES * 6_000))
  const { heap } = await probe()
  samples.push({ minute: minute(), heap })
  console.log(
    `${minute().toFixed(1)} min  ${made} sign-ins  heap ${(heap / 1e6).toFixed(1)} MB  RSS ${(server.rss() / 1e6).toFixed(0)} MB`,
  )
}
clearInterval(timer)
// Lets the running sign-ins and keep-alive connections end.
await pause(5_000)
server.agent.destroy()
await pause(7_000)
const after = await probe()
console.log('at rest', JSON.stringify(after))
await server.end('SIGTERM')
rmSync(folder, { recursive: true, force: true })

const settled = samples.find((sample) => sample.minute >= MINUTES / 5) ?? samples[0]
const last = samples.at(-1)
const growth = settled === undefined || last === undefined ? 1 : last.heap / settled.heap - 1
const isLeft = Object.entries(after.resources).filter(([kind, count]) => count > (before.resources[kind] ?? 0))
console.log(
  `${made} sign-ins, ${failed} failed, heap ${(growth * 100).toFixed(1)} % after the first fifth, left open: ${JSON.stringify(isLeft)}`,
)
process.exit(failed === 0 && growth <= MOST_GROWTH && isLeft.length === 0 ? 0 : 1)

/** A complete sign-in, or one that stops after the scan. */
async function signIn(toTheEnd: boolean): Promise<void> {
  const phone = phones[Math.floor(Math.random() * phones.length)] ?? ''
  const { path, code, cookie } = await server.startAttempt()
  const close = await server.stream(`${path}/events`, cookie, () => {})
  const { json } = await server.send('POST', '/api/qr/scan', { body: { code }, cookie: phone })
  if (toTheEnd) {
    await server.send('POST', '/api/qr/confirm', { body: { claim: json.claim }, cookie: phone })
    const { ticket } = (await server.send('GET', path, { cookie })).json
    const { status, cookie: session } = await server.send('POST', `${path}/redeem`, { body: { ticket }, cookie })
    if (status !== 200) throw new Error(`the response to a redeem is ${status}`)
    await server.send('DELETE', '/api/session', { cookie: session })
  }
  close()
}

/** What load/probe.cjs writes. */
interface Probe {
  /** In bytes. */
  heap: number
  /** How many of each kind are active. */
  resources: Record<string, number>
}

async function probe(): Promise<Probe> {
  rmSync(file, { force: true })
  server.process?.kill('SIGUSR2')
  for (;;) {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Probe
    } catch {
      await pause(20)
    }
  }
}
