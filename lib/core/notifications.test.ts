import { expect, test } from 'vitest'
import { beginning, computer } from '../../test/contracts/store-fixtures'
import { ADA, afterEvents, LIN, pendingAttempt, scanBy, T0 } from '../../test/support/fixtures'
import { toAttemptNotifications, toSessionNotifications } from './notifications'
import { createPhoneSession } from './session/session'
import type { EndedSession } from './store'

const sessionsOf = (personId: string) => ({ personId, change: { type: 'sessions' } })
const revoked = (personId: string, sessionId: string, by: string) => ({
  personId,
  change: { type: 'revoked', sessionId, by },
})
const phone = createPhoneSession('phone', ADA.person, { browser: null, os: null, place: null }, T0)

test('an attempt that is not scanned notifies no account', () => {
  expect(toAttemptNotifications({ attempt: pendingAttempt() }, [])).toEqual([])
})

test('a scanned attempt notifies its scanner, then the owners of sessions that ended or began', () => {
  const attempt = afterEvents(pendingAttempt(), scanBy(ADA))
  const revocation = { scope: '', entries: [], since: T0, refuse: () => new Error('barred') }
  const begins = { ...beginning(computer('new')), isKnownUntil: T0, revocation }
  const ended: EndedSession[] = [{ session: computer('of-lin', LIN.person), by: 'here' }]
  expect(toAttemptNotifications({ attempt, begins }, ended)).toEqual([
    { personId: 'ada', change: { type: 'attempt', attempt } },
    revoked('lin', 'of-lin', 'here'),
    sessionsOf('lin'),
    sessionsOf('ada'),
  ])
})

test('each ended session is published, and each list of computers once', () => {
  const ended: EndedSession[] = ['a', 'b'].map((id) => ({ session: computer(id), by: 'limit' }))
  expect(toSessionNotifications(ended, null)).toEqual([
    revoked('ada', 'a', 'limit'),
    revoked('ada', 'b', 'limit'),
    sessionsOf('ada'),
  ])
})

test('a phone session that begins or ends does not notify the list of computers', () => {
  expect(toSessionNotifications([], phone)).toEqual([])
  expect(toSessionNotifications([{ session: phone, by: 'here' }], null)).toEqual([revoked('ada', 'phone', 'here')])
})
