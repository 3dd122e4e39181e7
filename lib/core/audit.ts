import type { ErrorCode } from './errors'
import { deriveKey, keyIdOf, mac } from './keys'
import type { EndedBy } from './session/session'

/**
 * The events of the audit log: transitions, refusals, limits and revocations. Callers pass ids in
 * plain text; they are written as hashes.
 */
export type AuditEvent =
  | {
      event: `attempt.${AttemptStep}`
      attempt: string
      version: number
      person?: string | null
      phone?: string | null
      /** What is signed in to: a client id, or the host of an app behind forward auth. */
      app?: string
    }
  | { event: 'session.created'; kind: 'computer' | 'phone'; session: string; person: string; app?: string }
  | { event: 'session.revoked'; kind: 'computer' | 'phone'; session: string; person: string; by: EndedBy }
  | { event: 'app.agreed' | 'app.removed'; app: string; person: string }
  /** A browser got a session at the host of an app behind forward auth. */
  | { event: 'app.opened'; app: string; session: string; person: string }
  | { event: 'passkey.added'; passkey: string; person: string; phone: string }
  | { event: 'passkey.removed'; passkey: string; person: string }
  | {
      event: 'refused' | 'limited'
      code: ErrorCode
      status: number
      method: string
      /** The pattern of the route, such as `/api/qr/{id}`: never the client's own text. */
      route: string
      requestId: string
      address: string | null
      attempt?: string
      /** The limit that was reached. */
      limit?: string
    }

export type AttemptStep =
  | 'started'
  | 'scanned'
  | 'match_passed'
  | 'match_wrong'
  | 'confirmed'
  | 'ticket_wrong'
  | 'redeemed'
  | 'cancelled'

export type Audit = (event: AuditEvent) => void

/** The part of a logger that the audit uses. */
export interface AuditLog {
  isLevelEnabled(level: 'info'): boolean
  info(line: object): void
}

const HASHED = new Set(['attempt', 'person', 'phone', 'session', 'passkey', 'address'])
const HASH_BYTES = 6

/**
 * Writes one line per event. Ids become keyed hashes of 12 hex digits: the same id has the same
 * hash in every line and after a restart. Without the secret a reader of the log can neither use
 * an id nor find it by trying, even a short one. `key` is the id of the key: during a rotation it
 * shows which secret a hash belongs to.
 */
export function createAudit(log: AuditLog, secret: string): Audit {
  const key = deriveKey(secret, 'audit')
  const keyId = keyIdOf(secret)
  return (event) => {
    if (!log.isLevelEnabled('info')) return
    const line: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(event)) {
      line[name] = HASHED.has(name) && typeof value === 'string' ? mac(key, value, HASH_BYTES).toString('hex') : value
    }
    line.key = keyId
    log.info(line)
  }
}
