import { expect, test } from 'vitest'
import { NOTICE_MS, type SessionView } from '../core/session/session'
import { findNew, findUnacknowledged } from './notices'

const NOW = Date.parse('2026-01-31T00:00:00.000Z')

const session = (id: string, change: Partial<SessionView> = {}): SessionView => ({
  id,
  browser: 'Chrome',
  os: 'Windows',
  place: null,
  signedInAt: new Date(NOW).toISOString(),
  lastSeenAt: new Date(NOW).toISOString(),
  current: false,
  method: 'qr',
  acknowledged: false,
  app: null,
  ...change,
})

const signedIn = (agoMs: number) => ({ signedInAt: new Date(NOW - agoMs).toISOString() })
const idsOf = (sessions: SessionView[]) => sessions.map(({ id }) => id)

test('a phone shows a computer for 7 days, or until it is acknowledged', () => {
  const sessions = [
    session('new'),
    session('acknowledged', { acknowledged: true }),
    session('last moment', signedIn(NOTICE_MS - 1)),
    session('old', signedIn(NOTICE_MS)),
  ]
  expect(idsOf(findUnacknowledged(sessions, NOW))).toEqual(['new', 'last moment'])
})

test('a computer shows neither known sessions, nor itself, nor acknowledged ones', () => {
  const sessions = [
    session('before'),
    session('new'),
    session('me', { current: true }),
    session('acknowledged', { acknowledged: true }),
  ]
  expect(idsOf(findNew(sessions, new Set(['before'])))).toEqual(['new'])
  expect(idsOf(findNew(sessions, new Set()))).toEqual(['before', 'new'])
})
