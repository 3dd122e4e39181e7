import { Writable } from 'node:stream'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { type AuditEvent, createAudit } from './audit'

function write(events: AuditEvent[], secret = 'a secret for tests that is long enough', level = 'info') {
  const lines: string[] = []
  const sink = new Writable({
    write(chunk: Buffer, _, done) {
      lines.push(chunk.toString())
      done()
    },
  })
  const audit = createAudit(pino({ level, base: null }, sink), secret)
  for (const event of events) audit(event)
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

const scanned: AuditEvent = { event: 'attempt.scanned', attempt: 'AAAA', version: 2, person: 'ada', phone: 'p1' }
const refused: AuditEvent = {
  event: 'refused',
  code: 'not_found',
  status: 404,
  method: 'GET',
  route: '/api/qr/{id}',
  requestId: 'r1',
  address: '203.0.113.7',
  attempt: 'AAAA',
}

test('each event is one line; its ids are hashed, the same in every line', () => {
  const [first = {}, second = {}] = write([scanned, refused])
  expect(first).toMatchObject({ event: 'attempt.scanned', version: 2 })
  expect(second).toMatchObject({ event: 'refused', code: 'not_found', status: 404, route: '/api/qr/{id}' })
  for (const name of ['attempt', 'person', 'phone']) expect(first[name]).toMatch(/^[0-9a-f]{12}$/)
  expect(second.address).toMatch(/^[0-9a-f]{12}$/)
  expect(second.attempt).toBe(first.attempt)
  expect(new Set([first.attempt, first.person, first.phone, second.address]).size).toBe(4)
})

test('hashes depend on the secret, and are the same after a restart', () => {
  const [first] = write([scanned])
  const [again] = write([scanned])
  const [elsewhere] = write([scanned], 'another secret for tests that is long enough')
  expect(again?.person).toBe(first?.person)
  expect(elsewhere?.person).not.toBe(first?.person)
})

test('nothing is written if the log level is above info', () => {
  expect(write([scanned], undefined, 'warn')).toEqual([])
})
