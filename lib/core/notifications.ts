import { type Attempt, scannerOf } from './attempt/attempt'
import type { AnySession } from './session/session'
import type { AccountChange, Change, EndedSession } from './store'

/**
 * The rules, for all stores, which accounts are notified of a change. The embedded store publishes
 * what these functions return. The Redis script does the same within the server, in one step with
 * the write: the `publish` calls in `script-attempts.ts` and `script-sessions.ts` must follow this
 * file.
 *
 * Notifications are hints. Stores may differ in how often they publish the same one.
 */

/** A change, and the person whose account is notified. */
export interface AccountNotification {
  personId: string
  change: AccountChange
}

/** For an attempt that was written. The watchers of the attempt receive it in addition. */
export function toAttemptNotifications(
  { attempt, begins }: Change,
  ended: readonly EndedSession[],
): AccountNotification[] {
  return [...toScanNotifications(attempt), ...toSessionNotifications(ended, begins?.session ?? null)]
}

/** For sessions that ended, and one that began (null: none). Lists of phones are not watched. */
export function toSessionNotifications(
  ended: readonly EndedSession[],
  begun: AnySession | null,
): AccountNotification[] {
  const revoked = ended.map(({ session, by }): AccountNotification => {
    return { personId: session.person.id, change: { type: 'revoked', sessionId: session.id, by } }
  })
  const lists = new Set(ended.filter(({ session }) => session.kind === 'computer').map(toPersonId))
  const notifications = [...revoked, ...[...lists].map(toListNotification)]
  return begun?.kind === 'computer' ? [...notifications, toListNotification(begun.person.id)] : notifications
}

/** For a phone that has acknowledged the notice of a new computer. */
export function toAcknowledgedNotifications({ person }: AnySession): AccountNotification[] {
  return [toListNotification(person.id)]
}

/** For the person whose phone scanned the attempt. */
function toScanNotifications(attempt: Attempt): AccountNotification[] {
  const scanner = scannerOf(attempt)
  return scanner === null ? [] : [{ personId: scanner.person.id, change: { type: 'attempt', attempt } }]
}

function toListNotification(personId: string): AccountNotification {
  return { personId, change: { type: 'sessions' } }
}

function toPersonId({ session }: EndedSession): string {
  return session.person.id
}
