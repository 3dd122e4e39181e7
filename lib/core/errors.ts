import type { CancelledBy } from './attempt/attempt'

/**
 * The reasons for refusing a request. Clients switch on these codes (`code` of the problem
 * document), so they are public API. `lib/http/problem.ts` maps each code to a status: a new code
 * does not compile until it is there.
 */
export type ErrorCode =
  // the request
  | 'bad_request'
  | 'not_json'
  | 'body_too_large'
  | 'method_not_allowed'
  | 'cross_site'
  | 'not_found'
  | 'address_refused'
  // the client's identity
  | 'unauthenticated'
  | 'token_wrong'
  | 'signature_wrong'
  | 'two_identities'
  | 'credentials_wrong'
  // the attempt
  | 'code_unknown'
  | 'code_expired'
  | 'attempt_taken'
  | 'attempt_ended'
  | 'claim_unknown'
  | 'match_required'
  | 'match_wrong'
  | 'match_not_due'
  | 'too_soon'
  | 'ticket_wrong'
  | 'wrong_state'
  // apps
  | 'interaction_unknown'
  | 'forward_refused'
  // passkeys
  | 'passkey_required'
  | 'passkey_wrong'
  | 'passkey_limit'
  | 'passkey_last'
  // the server
  | 'rate_limited'
  | 'unavailable'
  | 'internal'

export interface ErrorFacts {
  /** The fields that are wrong, and why: `bad_request` only. */
  errors?: { path: string; message: string }[]
  /** Remaining tries: `match_wrong` only. */
  attemptsLeft?: number
  /** The value of `Retry-After`: `rate_limited`, `too_soon` and `unavailable`. */
  retryAfterS?: number
  /** Who cancelled the attempt: `attempt_ended`, only for the phone that scanned it. */
  cancelledBy?: CancelledBy
  /** The supported methods: `method_not_allowed` only. */
  allow?: string
  /**
   * The limit that was reached, for log and metrics: `rate_limited` and `unavailable`. It is not
   * sent to the client.
   */
  limit?: string
}

/** The build puts this file into more than one module graph: each has its own class. */
const BRAND = Symbol.for('qr-login.protocol-error')

/**
 * A refusal that is sent to the client. Any other error, except a failure of the store, is a bug of
 * ours: the response is `internal`.
 */
export class ProtocolError extends Error {
  readonly [BRAND] = true
  readonly code: ErrorCode
  readonly facts: ErrorFacts

  constructor(code: ErrorCode, facts: ErrorFacts = {}) {
    super(code)
    this.name = 'ProtocolError'
    this.code = code
    this.facts = facts
  }
}

/** Use this instead of `instanceof`, which fails across module graphs. */
export function isProtocolError(error: unknown): error is ProtocolError {
  return error instanceof Error && BRAND in error
}
