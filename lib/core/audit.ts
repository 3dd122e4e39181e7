import type { ErrorCode } from './errors'
import { deriveKey, keyIdOf, mac } from './keys'
import type { EndedBy } from './session/session'

/**
 * The events of the audit log: transitions, refusals, limits and revocations. Ids are passed whole
 * and written hashed.
 */
export type AuditEvent =
  | { event: `attempt.${AttemptStep}`; attempt: string; version: number; person?: string | null; phone?: string | null }
  | { event: 'session.created'; kind: 'computer' | 'phone'; session: string; person: string }
  | { event: 'session.revoked'; kind: 'computer' | 'phone'; session: string; person: string; by: EndedBy }
  | {
      event: 'refused' | 'limited'
      code: ErrorCode
      status: number
      method: string
      /** The pattern, such as `/api/qr/:id`: never what a client wrote. */
      route: string
      requestId: string
      address: string | null
      attempt?: string
      /** Which limit was reached. */
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

/** What is needed of a log. */
export interface AuditLog {
  isLevelEnabled(level: 'info'): boolean
  info(line: object): void
}

const HASHED = new Set(['attempt', 'person', 'phone', 'session', 'address'])
const HASH_BYTES = 6

/**
 * Writes one line per event. Ids become keyed hashes of 12 hex digits: the same id is the same word
 * in every line and after a restart, and a reader who has the log alone can neither use it nor
 * guess it, however short it was. `key` is the id of the key: during a rotation it tells the words
 * of two secrets apart.
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
