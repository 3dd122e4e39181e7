import { type Attempt, scannerOf } from './attempt/attempt'
import type { AnySession } from './session/session'
import type { AccountChange, Change, Ended } from './store'

/**
 * Who is notified of a change: the one rule for all stores. The embedded store publishes what these
 * functions return. The script of the Redis store does the same within the server, in one step with
 * the write: `publish` in `script-attempts.ts` and `script-sessions.ts` has to follow this file.
 *
 * Notifications are hints. How often the same one is published may differ between stores.
 */

/** A change, and the person whose account is notified of it. */
export interface AccountNotification {
  personId: string
  change: AccountChange
}

/** After an attempt was written, beside the watchers of the attempt, who get it as it is now. */
export function toAttemptNotifications({ attempt, begins }: Change, ended: readonly Ended[]): AccountNotification[] {
  return [...toScanNotifications(attempt), ...toSessionNotifications(ended, begins?.session ?? null)]
}

/** After sessions ended, and one began (null: none did). Lists of phones are not watched. */
export function toSessionNotifications(ended: readonly Ended[], begun: AnySession | null): AccountNotification[] {
  const revoked = ended.map(({ session, by }): AccountNotification => {
    return { personId: session.person.id, change: { type: 'revoked', sessionId: session.id, by } }
  })
  const lists = new Set(ended.filter(({ session }) => session.kind === 'computer').map(toPersonId))
  const notifications = [...revoked, ...[...lists].map(toListNotification)]
  return begun?.kind === 'computer' ? [...notifications, toListNotification(begun.person.id)] : notifications
}

/** After a phone has answered the notice of a new computer. */
export function toAcknowledgedNotifications({ person }: AnySession): AccountNotification[] {
  return [toListNotification(person.id)]
}

/** The person whose phone scanned the attempt. */
function toScanNotifications(attempt: Attempt): AccountNotification[] {
  const scanner = scannerOf(attempt)
  return scanner === null ? [] : [{ personId: scanner.person.id, change: { type: 'attempt', attempt } }]
}

function toListNotification(personId: string): AccountNotification {
  return { personId, change: { type: 'sessions' } }
}

function toPersonId({ session }: Ended): string {
  return session.person.id
}
