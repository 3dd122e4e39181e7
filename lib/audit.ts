import { deriveKey, mac } from './attempt/keys'
import type { Log } from './log'

/** What the audit log tells: each transition, refusal, limit and revocation. Ids are given whole and written hashed. */
export type AuditEvent =
  | { event: `attempt.${AttemptStep}`; attempt: string; version: number; person?: string | null; phone?: string | null }
  | { event: 'session.created' | 'session.revoked'; kind: 'computer' | 'phone'; session: string; person: string }
  | {
      event: 'refused' | 'limited'
      code: string
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
  | 'redeemed'
  | 'cancelled'

export type Audit = (event: AuditEvent) => void

const HASHED = new Set(['attempt', 'person', 'phone', 'session', 'address'])
const HASH_BYTES = 6

/**
 * Writes one line per event. Ids become keyed hashes of 12 hex digits: the same id is the same word in every line and after a restart,
 * and whoever has the log alone can neither use it nor guess it, however short it was.
 */
export function createAudit(log: Log, secret: string): Audit {
  const key = deriveKey(secret, 'audit')
  return (event) => {
    if (!log.isLevelEnabled('info')) return
    const line = Object.entries(event).map(([name, value]) => [
      name,
      HASHED.has(name) && typeof value === 'string' ? mac(key, value, HASH_BYTES).toString('hex') : value,
    ])
    log.info(Object.fromEntries(line))
  }
}
