import type { Attempt } from '../../core/attempt/attempt'
import { FullError, type Guard } from '../../core/rate-limit/limits'
import type { AnySession } from '../../core/session/session'
import type { EndedSession } from '../../core/store'
import type { Reply } from './client/redis'

/** Converts attempts and sessions to the documents and replies of the script, and back. */

/** The version comes first, so that the script compares it without parsing the JSON. */
export function toDocument(attempt: Attempt): string {
  return `${attempt.version} ${JSON.stringify(attempt)}`
}

export function toAttempt(document: Reply | undefined): Attempt | null {
  return typeof document === 'string' ? (JSON.parse(document.slice(document.indexOf(' ') + 1)) as Attempt) : null
}

export function toSession(found: Reply | undefined): AnySession | null {
  if (!Array.isArray(found)) return null
  const [document, seen, revoked, by, acknowledged] = found
  const session = JSON.parse(String(document)) as AnySession
  const now = {
    lastSeenAt: seen === null ? session.lastSeenAt : Number(seen),
    revokedAt: revoked === null ? null : Number(revoked),
    revokedBy: by as AnySession['revokedBy'],
  }
  return session.kind === 'phone' ? { ...session, ...now } : { ...session, ...now, acknowledged: acknowledged === '1' }
}

/** The sessions that a step has ended, and how many it has left to end. */
export function toTrimmed(found: Reply | undefined): { ended: EndedSession[]; left: number } {
  if (!Array.isArray(found) || !Array.isArray(found[0])) return { ended: [], left: 0 }
  const sessions = found[0].map(toSession).filter((session) => session !== null)
  const ended = sessions.map((session) => ({ session, by: session.revokedBy ?? 'phone' }))
  return { ended, left: Number(found[1]) }
}

/** The reply of the script if a capacity is exhausted. */
export const FULL = 'full'

/** The same if it is that of the outbox. */
export const FULL_OF_EVENTS = 'full of events'

/** Checks the first reply of a group that begins with a guard. @throws if the guard is full. */
export function checkGuard(guard: Guard | undefined, [waitMs]: Reply[]): void {
  if (guard === undefined) return
  if (waitMs === FULL) throw new FullError('counters')
  if (Number(waitMs) > 0) throw guard.refuse(Number(waitMs))
}
