import type { CancelledBy } from './attempt/attempt'

/**
 * Every reason for which a request is refused. Clients switch on these words (`code` of the problem
 * document), so they are public API. `lib/http/problem.ts` maps each to a status; a new one does
 * not compile until it has one.
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
  // the server
  | 'rate_limited'
  | 'unavailable'
  | 'internal'

export interface ErrorFacts {
  /** What is wrong with which field: `bad_request` only. */
  errors?: { path: string; message: string }[]
  /** Tries that are left: `match_wrong` only. */
  attemptsLeft?: number
  /** Seconds after which asking again makes sense: `rate_limited`, `too_soon` and `unavailable`. */
  retryAfterS?: number
  /** Who ended it: `attempt_ended`, for its scanner only. */
  cancelledBy?: CancelledBy
  /** The methods that are offered: `method_not_allowed` only. */
  allow?: string
  /**
   * Which limit was reached, for log and metrics: `rate_limited` and `unavailable`. Not sent to the
   * client.
   */
  limit?: string
}

/**
 * The server builds this file into more than one module graph, so that one graph's class is not the
 * other's.
 */
const BRAND = Symbol.for('qr-login.protocol-error')

/**
 * A refusal that is sent to the client. Anything else that is thrown is our own bug and answered as
 * `internal`.
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
