import type { CancelledBy } from '../core/attempt/attempt'
import type { ErrorCode, ProtocolError } from '../core/errors'

interface Problem {
  status: number
  title: string
}

/** The body of a refusal (RFC 9457). What is undefined is not written. */
export interface ProblemDocument {
  type: 'about:blank'
  title: string
  status: number
  code: ErrorCode
  detail?: string | undefined
  errors?: { path: string; message: string }[] | undefined
  attemptsLeft?: number | undefined
  cancelledBy?: CancelledBy | undefined
  requestId: string
}

/** What each refusal looks like over HTTP. */
const PROBLEMS: Record<ErrorCode, Problem> = {
  bad_request: { status: 400, title: 'The request does not have the expected shape.' },
  not_json: { status: 415, title: 'The body has to be application/json.' },
  body_too_large: { status: 413, title: 'The body is larger than 4 KB.' },
  method_not_allowed: { status: 405, title: 'This method is not offered here.' },
  cross_site: { status: 403, title: 'The request does not come from our own pages.' },
  not_found: { status: 404, title: 'There is nothing here.' },
  address_refused: { status: 403, title: 'Sign-in is not offered to this address.' },
  unauthenticated: { status: 401, title: 'The client is not signed in.' },
  token_wrong: { status: 401, title: 'The bearer token is not accepted.' },
  signature_wrong: { status: 401, title: 'The signature of the request is not accepted.' },
  two_identities: { status: 400, title: 'A bearer token and a phone cookie were both sent.' },
  credentials_wrong: { status: 401, title: 'No account has this name and password.' },
  code_unknown: { status: 404, title: 'This is not one of our codes.' },
  code_expired: { status: 410, title: 'This code has expired.' },
  attempt_taken: { status: 409, title: 'Another phone has scanned this code.' },
  attempt_ended: { status: 410, title: 'This sign-in attempt is over.' },
  claim_unknown: { status: 404, title: 'This phone has no such claim.' },
  match_required: { status: 409, title: 'The number has to be typed on the computer first.' },
  match_wrong: { status: 409, title: 'This is not the number that the phone shows.' },
  match_not_due: { status: 409, title: 'This attempt requires no number.' },
  too_soon: { status: 409, title: 'Confirmed too soon after the scan. Try again in a second.' },
  ticket_wrong: { status: 403, title: 'This ticket does not belong to the attempt.' },
  wrong_state: { status: 409, title: 'The attempt is not in the state for this step.' },
  interaction_unknown: { status: 404, title: 'No app of this browser waits for this sign-in.' },
  forward_refused: { status: 403, title: 'Forward auth is not offered to this proxy, or for this host.' },
  passkey_required: { status: 409, title: 'This sign-in has to be confirmed with a passkey.' },
  passkey_wrong: { status: 403, title: 'This passkey is not accepted.' },
  passkey_limit: { status: 409, title: 'The person has 20 passkeys: one has to be removed first.' },
  passkey_last: { status: 409, title: 'This passkey is the only way to sign in.' },
  rate_limited: { status: 429, title: 'Too many requests.' },
  unavailable: { status: 503, title: 'The service is unavailable for the moment.' },
  internal: { status: 500, title: 'Something went wrong on our side.' },
}

/** Every code that a refusal can have. */
export const ERROR_CODES = Object.keys(PROBLEMS) as ErrorCode[]

export function statusOf(code: ErrorCode): number {
  return PROBLEMS[code].status
}

/** The response to a refusal: RFC 9457 problem details, without internal details. */
export function toProblem({ code, facts }: ProtocolError, requestId: string): Response {
  const { status, title } = PROBLEMS[code]
  const { errors, attemptsLeft, cancelledBy, retryAfterS, allow } = facts
  const detail = errors?.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
  const about = { type: 'about:blank', title, status, code, detail } as const
  const body: ProblemDocument = { ...about, errors, attemptsLeft, cancelledBy, requestId }
  const headers = new Headers({ 'Content-Type': 'application/problem+json' })
  // RFC 9110, section 11.6.1, and RFC 6750, section 3: a 401 names the scheme to authenticate with.
  if (status === 401)
    headers.set('WWW-Authenticate', code === 'token_wrong' ? 'Bearer error="invalid_token"' : 'Bearer')
  if (retryAfterS !== undefined) headers.set('Retry-After', String(retryAfterS))
  if (allow !== undefined) headers.set('Allow', allow)
  return new Response(JSON.stringify(body), { status, headers })
}
