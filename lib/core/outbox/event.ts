import { createHash } from 'node:crypto'
import type { Attempt } from '../attempt/attempt'
import type { ComputerSession, EndedBy } from '../session/session'
import type { Change } from '../store'

/** Families only, never versions. Null: unknown. */
interface Device {
  browser: string | null
  os: string | null
  place: string | null
}

/** The limits that are counted per person, and whose refusals are events. */
export type PersonRule = 'scan' | 'unknown_codes' | 'confirm'

interface Facts {
  /** The same if the change is written again after a failover. Contains no full stop. */
  id: string
  personId: string
  /** Epoch ms by the store's clock, like all times in this file. */
  at: number
}

/** A session that begins. When it expires, no event follows. */
interface BegunSession extends Device {
  id: string
  signedInAt: number
  expiresAt: number
}

/** An attempt that was cancelled: the computer that it was for. */
interface EndedAttempt extends Device {
  id: string
}

/**
 * What other systems are told of. A store writes the event in one step with the change. Sessions
 * are those of computers: phones sign in to this server only. A session that expires has no event.
 */
export type OutboxEvent =
  | (Facts & { type: 'session.created'; session: BegunSession })
  | (Facts & { type: 'session.revoked'; session: { id: string }; by: EndedBy })
  | (Facts & { type: 'attempt.declined'; attempt: EndedAttempt; by: 'phone' })
  | (Facts & { type: 'attempt.mismatch'; attempt: EndedAttempt; by: 'match' })
  | (Facts & { type: 'person.limited'; by: PersonRule })

/** The event of a computer's session that begins. */
export function toCreatedEvent({
  id,
  person,
  browser,
  os,
  place,
  signedInAt,
  expiresAt,
}: ComputerSession): OutboxEvent {
  const session = { id, browser, os, place, signedInAt, expiresAt }
  return { id: `created_${id}`, type: 'session.created', personId: person.id, at: signedInAt, session }
}

/** The event of a computer's session that was signed out. The Redis script writes the same. */
export function toRevokedEvent(sessionId: string, personId: string, by: EndedBy, at: number): OutboxEvent {
  return { id: `revoked_${sessionId}`, type: 'session.revoked', personId, at, session: { id: sessionId }, by }
}

/**
 * The event of an attempt after a change. Null: none. An attempt that no phone has scanned, and one
 * that the computer has cancelled, has none.
 */
export function toAttemptEvent(attempt: Attempt): OutboxEvent | null {
  if (attempt.status !== 'cancelled' || attempt.scan === null) return null
  const { id, computer, scan, endedAt: at, cancelledBy: by } = attempt
  const { browser, os, place } = computer
  const facts = { personId: scan.phone.person.id, at, attempt: { id, browser, os, place } }
  if (by === 'phone') return { ...facts, id: `declined_${id}`, type: 'attempt.declined', by }
  return by === 'match' ? { ...facts, id: `mismatch_${id}`, type: 'attempt.mismatch', by } : null
}

/** The event of a person whose request a limit has refused. */
export function toLimitedEvent(personId: string, by: PersonRule, at: number): OutboxEvent {
  const digest = createHash('sha256').update(`${by} ${at} ${personId}`).digest('base64url').slice(0, 22)
  return { id: `limited_${digest}`, type: 'person.limited', personId, at, by }
}

/**
 * Whether a full outbox refuses the change: a scan, and a session that begins. Each may lead to
 * further events, which are always written, so this bounds the outbox.
 */
export function needsRoom(before: Attempt, { attempt, begins }: Change): boolean {
  return begins !== undefined || (before.status === 'pending' && attempt.status === 'scanned')
}
