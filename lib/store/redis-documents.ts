import type { Attempt } from '../attempt/attempt'
import type { Reply } from '../redis/redis'
import type { AnySession } from '../session/session'

/** What the script keeps and what it answers, to and from what we mean. */

/** The version stands in front, where it can be compared without reading the rest. */
export function toDocument(attempt: Attempt): string {
  return `${attempt.version} ${JSON.stringify(attempt)}`
}

export function toAttempt(document: Reply | undefined): Attempt | null {
  return typeof document === 'string' ? (JSON.parse(document.slice(document.indexOf(' ') + 1)) as Attempt) : null
}

export function toSession(found: Reply | undefined): AnySession | null {
  if (!Array.isArray(found)) return null
  const [document, seen, revoked] = found
  const session = JSON.parse(String(document)) as AnySession
  const lastSeenAt = seen === null ? session.lastSeenAt : Number(seen)
  return { ...session, lastSeenAt, revokedAt: revoked === null ? null : Number(revoked) }
}
