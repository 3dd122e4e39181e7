import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { T0 } from '../../../test/support/fixtures'
import { type OutboxEvent, toLimitedEvent } from '../../core/outbox/event'
import type { DeliveryOutcome } from '../../metrics/names'
import { SqliteStore } from '../../stores/sqlite/store'
import type { DeliveryTry, OutboxTarget } from './target'
import { OutboxWorker } from './worker'

/** The worker on the embedded store, with endpoints that the test controls. */

let folder: string
let store: SqliteStore
let workers: OutboxWorker[]
let now: number
let lines: { level: string; message: string; facts: Record<string, unknown> }[]
let outcomes: DeliveryOutcome[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qr-login-outbox-'))
  store = open()
  workers = []
  now = T0
  lines = []
  outcomes = []
})
afterEach(async () => {
  for (const worker of workers) await worker.close()
  store.close()
  rmSync(folder, { recursive: true })
})

function open(): SqliteStore {
  return new SqliteStore(folder, (error) => {
    throw error
  })
}

type Send = (sending: DeliveryTry) => Promise<'delivered' | 'gone'>

/** One endpoint for each name. */
class Endpoints implements OutboxTarget {
  lifeMs = 3_600_000
  readonly sent: { endpoint: string; event: OutboxEvent }[] = []
  /** The tries in flight, now and at most. */
  readonly inFlight: Record<string, number> = {}
  readonly most: Record<string, number> = {}
  readonly #sends: Record<string, Send>

  constructor(sends: Record<string, Send>) {
    this.#sends = sends
  }

  deliveriesOf() {
    return Object.keys(this.#sends).map((endpoint) => ({ endpoint, detail: `for ${endpoint}` }))
  }

  owns(endpoint: string) {
    return endpoint in this.#sends
  }

  async send(sending: DeliveryTry) {
    const { endpoint, event } = sending
    this.sent.push({ endpoint, event })
    for (const each of [endpoint, 'all']) {
      this.inFlight[each] = (this.inFlight[each] ?? 0) + 1
      this.most[each] = Math.max(this.most[each] ?? 0, this.inFlight[each])
    }
    try {
      return await (this.#sends[endpoint] as Send)(sending)
    } finally {
      for (const each of [endpoint, 'all']) this.inFlight[each] = (this.inFlight[each] ?? 0) - 1
    }
  }

  idsOf(endpoint: string) {
    return this.sent.filter((each) => each.endpoint === endpoint).map(({ event }) => event.id)
  }
}

const works: Send = async () => 'delivered'
const fails: Send = async () => {
  throw new Error('planted')
}
const hangs: Send = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))

function start(targets: OutboxTarget[], on = store): OutboxWorker {
  const write = (level: string) => (facts: object, message: string) =>
    lines.push({ level, message, facts: facts as Record<string, unknown> })
  const log = { info: write('info'), warn: write('warn'), error: write('error') }
  const count = (outcome: DeliveryOutcome) => outcomes.push(outcome)
  const worker = new OutboxWorker({ store: on, targets, log, count, now: () => now, random: () => 0.5 })
  workers.push(worker)
  worker.start()
  return worker
}

let appended = 0
function append(personId: string): string {
  appended += 1
  const event = toLimitedEvent(personId, 'scan', now - 1_000 + appended)
  store.appendEvent(event, { key: event.id, until: now + 1 })
  return event.id
}

test('an endpoint that hangs, and many that fail, delay no other one', async () => {
  const failing = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`fails ${index}`, fails]))
  const endpoints = new Endpoints({ hangs, ...failing, works })
  start([endpoints])
  const ids = Array.from({ length: 50 }, (_, index) => append(`person ${index}`))
  const startedAt = performance.now()
  await expect.poll(() => endpoints.idsOf('works').length).toBe(50)
  // The deadline of the try that hangs is 10 s.
  expect(performance.now() - startedAt).toBeLessThan(5_000)
  expect(new Set(endpoints.idsOf('works'))).toEqual(new Set(ids))
  expect(endpoints.inFlight.hangs).toBe(2)
  expect(endpoints.most.hangs).toBe(2)
  expect(endpoints.most.all).toBeLessThanOrEqual(16)
})

test('a person whose delivery hangs or fails delays no other person, and keeps the own order', async () => {
  let isDown = true
  const endpoints = new Endpoints({
    a: async ({ event }) => {
      if (isDown && event.personId === 'ada') throw new Error('planted')
      return 'delivered'
    },
  })
  start([endpoints])
  const ofAda = [append('ada'), append('ada'), append('ada')]
  const ofLin = [append('lin'), append('lin')]
  await expect.poll(() => endpoints.idsOf('a').filter((id) => ofLin.includes(id))).toEqual(ofLin)
  expect(endpoints.idsOf('a').filter((id) => ofAda.includes(id))).toEqual([ofAda[0]])
  isDown = false
  now += 60_000
  await expect.poll(() => store.countEvents()).toBe(0)
  expect(endpoints.idsOf('a').filter((id) => ofAda.includes(id))).toEqual([ofAda[0], ...ofAda])
})

test('a try has a deadline of 10 s, after which it is repeated', { timeout: 30_000 }, async () => {
  const endpoints = new Endpoints({ hangs })
  start([endpoints])
  append('ada')
  const startedAt = performance.now()
  await expect.poll(() => outcomes, { timeout: 15_000 }).toEqual(['retried'])
  expect(performance.now() - startedAt).toBeGreaterThan(9_000)
  expect(store.countEvents()).toBe(1)
})

test('tries of a failing endpoint come one at a time, and with growing pauses', async () => {
  const endpoints = new Endpoints({ fails })
  start([endpoints])
  append('ada')
  await expect.poll(() => outcomes.length).toBe(1)
  // 5 s, 30 s, 5 min, 30 min, 2 h, 2 h, each with half of the jitter.
  for (const [index, pauseMs] of [5_000, 30_000, 300_000, 1_800_000].entries()) {
    now += pauseMs * 1.125 - 1
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    expect(outcomes.length).toBe(index + 1)
    now += 1
    await expect.poll(() => outcomes.length).toBe(index + 2)
  }
  expect(endpoints.most.fails).toBe(1)
})

test('one line when an endpoint begins to fail, one when it works again, one for each event that is lost', async () => {
  let isDown = true
  const endpoints = new Endpoints({
    a: async () => {
      if (isDown) throw new Error('the receiver answered 500')
      return 'delivered'
    },
    gone: async () => 'gone',
  })
  endpoints.lifeMs = 60_000
  start([endpoints])
  append('ada')
  append('lin')
  await expect.poll(() => outcomes.filter((outcome) => outcome === 'retried').length).toBe(2)
  now += 61_000
  await expect.poll(() => store.countEvents()).toBe(0)
  isDown = false
  append('ada')
  await expect.poll(() => store.countEvents()).toBe(0)
  const of = (endpoint: string) =>
    lines.filter(({ facts }) => facts.endpoint === endpoint).map(({ level, message }) => `${level}: ${message}`)
  expect(of('a')).toEqual([
    'warn: deliveries fail, and are repeated',
    'error: a delivery was dropped: it has failed for too long',
    'error: a delivery was dropped: it has failed for too long',
    'info: deliveries succeed again',
  ])
  expect(of('gone')).toEqual(Array(3).fill('error: a delivery was dropped: the receiver wants no more tries'))
  const { facts } = lines.find(({ level, facts }) => level === 'error' && facts.endpoint === 'a') ?? {}
  expect(facts).toMatchObject({ endpoint: 'a', type: 'person.limited', at: expect.any(String), tries: 2 })
  // Lines contain no ids: those of sessions and people are hashed in the audit log.
  expect(JSON.stringify(lines)).not.toMatch(/ada|lin|limited_/)
})

test('each target gets its own deliveries, with their details', async () => {
  const details: (string | null)[] = []
  const keep: Send = async ({ detail }) => {
    details.push(detail)
    return 'delivered'
  }
  start([new Endpoints({ a: keep, b: keep }), new Endpoints({ c: keep })])
  append('ada')
  await expect.poll(() => details.sort()).toEqual(['for a', 'for b', 'for c'])
})

test('an endpoint that this process does not know is left to others, and dropped in the end', async () => {
  const older = new Endpoints({ a: works })
  start([older, new Endpoints({ renamed: fails })])
  append('ada')
  await expect.poll(() => outcomes.sort()).toEqual(['delivered', 'retried'])
  workers[0]?.stop()
  start([older])
  now += 10_000
  await expect.poll(() => outcomes.length).toBe(3)
  expect(store.countEvents()).toBe(1)
  now += older.lifeMs
  await expect.poll(() => store.countEvents()).toBe(0)
  expect(outcomes.at(-1)).toBe('dropped')
})

test('a target that cannot name its endpoints now is asked again', async () => {
  let asked = 0
  const endpoints = new Endpoints({ a: works })
  const target: OutboxTarget = {
    lifeMs: endpoints.lifeMs,
    owns: (endpoint) => endpoints.owns(endpoint),
    send: (sending) => endpoints.send(sending),
    deliveriesOf: () => {
      asked += 1
      if (asked === 1) throw new Error('planted')
      return endpoints.deliveriesOf()
    },
  }
  start([target])
  append('ada')
  await expect.poll(() => asked).toBe(1)
  now += 30_000
  await expect.poll(() => endpoints.sent.length).toBe(1)
})

test('two workers on one store deliver each event once', async () => {
  const other = open()
  const [one, two] = [new Endpoints({ a: works }), new Endpoints({ a: works })]
  start([one])
  start([two], other)
  const ids = Array.from({ length: 200 }, (_, index) => append(`person ${index % 20}`))
  await expect.poll(() => store.countEvents()).toBe(0)
  const sent = [...one.idsOf('a'), ...two.idsOf('a')]
  expect(sent.sort()).toEqual(ids.sort())
  other.close()
})

test('after close nothing is claimed, and what hung is left to the next process at once', async () => {
  const endpoints = new Endpoints({ hangs })
  const worker = start([endpoints])
  append('ada')
  append('ada')
  await expect.poll(() => endpoints.sent.length).toBe(1)
  await worker.close()
  expect(store.countEvents()).toBe(2)
  const next = new Endpoints({ hangs: works })
  start([next])
  await expect.poll(() => store.countEvents()).toBe(0)
  expect(next.sent).toHaveLength(2)
  expect(endpoints.sent).toHaveLength(1)
})
