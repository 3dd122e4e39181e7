import { NOTICE_MS, type SessionView } from '../core/session/session'

/**
 * On a phone: the computers that no phone has answered for. In the record, whatever page was open
 * when they came.
 */
export function findUnacknowledged(sessions: readonly SessionView[], now: number): SessionView[] {
  return sessions.filter(({ acknowledged, signedInAt }) => !acknowledged && now - Date.parse(signedInAt) < NOTICE_MS)
}

/**
 * On a computer, which acknowledges nothing: the others that came after `known`, and that no phone
 * has answered for.
 */
export function findNew(sessions: readonly SessionView[], known: ReadonlySet<string>): SessionView[] {
  return sessions.filter(({ id, current, acknowledged }) => !known.has(id) && !current && !acknowledged)
}
