import { NOTICE_MS, type SessionView } from '../core/session/session'

/**
 * For a phone: the computers signed in within `NOTICE_MS` that no phone has acknowledged. `now`:
 * epoch ms.
 */
export function findUnacknowledged(sessions: readonly SessionView[], now: number): SessionView[] {
  return sessions.filter(({ acknowledged, signedInAt }) => !acknowledged && now - Date.parse(signedInAt) < NOTICE_MS)
}

/**
 * For a computer, which cannot acknowledge: the other computers that are not in `known` and that no
 * phone has acknowledged. `known`: session ids.
 */
export function findNew(sessions: readonly SessionView[], known: ReadonlySet<string>): SessionView[] {
  return sessions.filter(({ id, current, acknowledged }) => !known.has(id) && !current && !acknowledged)
}
