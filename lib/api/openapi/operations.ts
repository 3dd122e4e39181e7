import type { ErrorCode } from '../../core/errors'
import type { SchemaName } from './schemas'

/**
 * The client that may send the request. `phone`: with a phone's cookie or a bearer token;
 * `account`: with one of these, or a computer's cookie.
 */
export type Requester = 'any' | 'browser' | 'computer' | 'phone' | 'account' | 'metrics'

export type HeaderName = 'ETag' | 'Location' | 'Set-Cookie' | 'Clear-Site-Data' | 'Retry-After'

/** A good answer. Without a body where there is neither `json`, `events` nor `text`. */
export interface Answer {
  description: string
  json?: SchemaName
  /** An event stream: event names, and what their data is. */
  events?: Readonly<Record<string, SchemaName>>
  /** Another media type, whose body is text. */
  text?: string
  headers?: readonly HeaderName[]
}

export interface Operation {
  operationId: string
  summary: string
  requester: Requester
  /** Also answers clients that are not signed in: no 401 `unauthenticated`. */
  isOpen?: boolean
  query?: Readonly<Record<string, { description: string; words?: readonly string[] }>>
  body?: SchemaName
  /** By status. */
  answers: Readonly<Record<number, Answer>>
  /** Refusals beyond those that follow from method, path and requester. */
  codes?: readonly ErrorCode[]
  /** `If-None-Match` is evaluated. */
  isConditional?: boolean
}

type Methods = Readonly<Partial<Record<'get' | 'post' | 'delete', Operation>>>

const done = (description: string): Answer => ({ description })
const NOT_MODIFIED: Answer = { description: 'Not changed since.', headers: ['ETag'] }
const as = {
  as: {
    description: 'Which account counts for a browser that is both phone and computer.',
    words: ['phone', 'computer'],
  },
}
const CLEARED = { headers: ['Set-Cookie'] } as const

/** Sections 4 and 5 of PROTOCOL.md. */
export const OPERATIONS: Readonly<Record<string, Methods>> = {
  '/api/qr': {
    post: {
      operationId: 'startAttempt',
      summary: 'Start an attempt that belongs to this browser',
      requester: 'any',
      body: 'StartBody',
      answers: { 201: { description: 'Started.', json: 'Attempt', headers: ['Location', 'Set-Cookie'] } },
      codes: ['address_refused', 'rate_limited'],
    },
  },
  '/api/qr/scan': {
    post: {
      operationId: 'scan',
      summary: 'The phone has read a code',
      requester: 'phone',
      body: 'ScanBody',
      answers: { 200: { description: 'The question for the person.', json: 'Review' } },
      codes: ['code_unknown', 'code_expired', 'attempt_taken', 'attempt_ended', 'wrong_state'],
    },
  },
  '/api/qr/confirm': {
    post: {
      operationId: 'confirm',
      summary: 'The person approves the sign-in',
      requester: 'phone',
      body: 'ClaimBody',
      answers: { 200: { description: 'Confirmed.', json: 'Review' } },
      codes: ['claim_unknown', 'match_required', 'too_soon', 'wrong_state', 'attempt_ended'],
    },
  },
  '/api/qr/cancel': {
    post: {
      operationId: 'cancelByPhone',
      summary: 'The person declines; within 10 min after the sign-in: sign that computer out',
      requester: 'phone',
      body: 'ClaimBody',
      answers: { 200: { description: 'Cancelled, or revoked.', json: 'Review' } },
      codes: ['claim_unknown', 'wrong_state', 'attempt_ended'],
    },
  },
  '/api/qr/{id}': {
    get: {
      operationId: 'getAttempt',
      summary: 'The attempt now, or by long poll as soon as it changes',
      requester: 'browser',
      query: {
        after: { description: 'Long poll: the version that the client has.' },
        waitMs: { description: 'Long poll: how long to wait at most, in ms. More than 25,000 counts as 25,000.' },
      },
      answers: {
        200: { description: 'The attempt.', json: 'Attempt', headers: ['ETag'] },
        204: done('Long poll: nothing changed, or a newer one has replaced it.'),
        304: NOT_MODIFIED,
      },
      codes: ['bad_request', 'rate_limited'],
      isConditional: true,
    },
    delete: {
      operationId: 'cancelByComputer',
      summary: 'Cancel: "Not me", or the page is left',
      requester: 'browser',
      answers: { 204: done('Cancelled.') },
      codes: ['wrong_state', 'attempt_ended'],
    },
  },
  '/api/qr/{id}/events': {
    get: {
      operationId: 'followAttempt',
      summary: 'The attempt as it changes',
      requester: 'browser',
      answers: {
        200: { description: 'The stream.', events: { attempt: 'Attempt', code: 'Code', bye: 'ByeEvent' } },
      },
      codes: ['rate_limited'],
    },
  },
  '/api/qr/{id}/match': {
    post: {
      operationId: 'match',
      summary: 'The number that the phone shows, typed on the computer',
      requester: 'browser',
      body: 'MatchBody',
      answers: { 200: { description: 'Passed.', json: 'Attempt' } },
      codes: ['match_wrong', 'match_not_due', 'wrong_state', 'attempt_ended'],
    },
  },
  '/api/qr/{id}/redeem': {
    post: {
      operationId: 'redeem',
      summary: 'Exchange the ticket for a session',
      requester: 'browser',
      body: 'RedeemBody',
      answers: { 200: { description: 'Signed in.', json: 'Redeemed', headers: ['Set-Cookie'] } },
      codes: ['ticket_wrong', 'wrong_state', 'attempt_ended', 'rate_limited'],
    },
  },
  '/api/phone/session': {
    get: {
      operationId: 'getPhoneSession',
      summary: 'Whether this phone is signed in',
      requester: 'phone',
      isOpen: true,
      answers: { 200: { description: 'Signed in or not.', json: 'PhoneState' } },
    },
    post: {
      operationId: 'signInPhone',
      summary: 'Sign the simulated phone in',
      requester: 'any',
      body: 'PhoneSignInBody',
      answers: { 200: { description: 'Signed in.', json: 'PhoneSignedIn', headers: ['Set-Cookie'] } },
      codes: ['credentials_wrong', 'rate_limited'],
    },
    delete: {
      operationId: 'signOutPhone',
      summary: 'Sign this phone out',
      requester: 'phone',
      isOpen: true,
      answers: { 204: { description: 'Signed out.', ...CLEARED } },
    },
  },
  '/api/session': {
    get: {
      operationId: 'getSession',
      summary: 'Whether this computer is signed in',
      requester: 'computer',
      isOpen: true,
      answers: { 200: { description: 'Signed in or not.', json: 'ComputerState' } },
    },
    delete: {
      operationId: 'signOut',
      summary: 'Sign this computer out',
      requester: 'computer',
      isOpen: true,
      answers: { 204: { description: 'Signed out.', headers: ['Set-Cookie', 'Clear-Site-Data'] } },
    },
  },
  '/api/sessions': {
    get: {
      operationId: 'listSessions',
      summary: "The person's signed-in computers",
      requester: 'account',
      query: as,
      answers: { 200: { description: 'Newest first.', json: 'Sessions' } },
    },
    delete: {
      operationId: 'signOutAll',
      summary: 'Sign all computers out; requested by a computer: all others',
      requester: 'account',
      query: as,
      answers: { 204: done('Signed out.') },
    },
  },
  '/api/sessions/{id}': {
    delete: {
      operationId: 'signOutSession',
      summary: 'Sign that computer out',
      requester: 'account',
      query: as,
      answers: { 204: done('Signed out.') },
    },
  },
  '/api/sessions/{id}/acknowledge': {
    post: {
      operationId: 'acknowledgeSession',
      summary: 'Acknowledge the notice about that computer',
      requester: 'phone',
      answers: { 204: done('Its notice is not shown any more.') },
    },
  },
  '/api/phones': {
    get: {
      operationId: 'listPhones',
      summary: "The person's phones that are signed in by a cookie",
      requester: 'phone',
      answers: { 200: { description: 'Newest first.', json: 'Phones' } },
    },
    delete: {
      operationId: 'signOutOtherPhones',
      summary: 'Sign all other phones out',
      requester: 'phone',
      answers: { 204: done('Signed out.') },
    },
  },
  '/api/phones/{id}': {
    delete: {
      operationId: 'signOutOnePhone',
      summary: 'Sign that phone out',
      requester: 'phone',
      answers: { 204: done('Signed out.') },
    },
  },
  '/api/account/events': {
    get: {
      operationId: 'followAccount',
      summary: 'What changes in the account of a signed-in phone or computer',
      requester: 'account',
      query: as,
      answers: {
        200: {
          description: 'The stream.',
          events: { sessions: 'Sessions', attempt: 'ReviewEvent', signed_out: 'SignedOutEvent', bye: 'ByeEvent' },
        },
      },
      codes: ['rate_limited'],
    },
  },
  '/api/health/live': {
    get: {
      operationId: 'getLive',
      summary: 'Whether the process runs',
      requester: 'any',
      answers: { 200: { description: 'It runs.', json: 'Live' } },
    },
  },
  '/api/health/ready': {
    get: {
      operationId: 'getReady',
      summary: 'Whether requests can be served',
      requester: 'any',
      answers: {
        200: { description: 'They can.', json: 'Ready' },
        503: { description: 'They cannot, and what fails.', json: 'Unready', headers: ['Retry-After'] },
      },
    },
  },
  '/api/metrics': {
    get: {
      operationId: 'getMetrics',
      summary: 'Metrics for Prometheus; 404 without METRICS_TOKEN',
      requester: 'metrics',
      answers: { 200: { description: 'The text format of Prometheus.', text: 'text/plain' } },
    },
  },
  '/api/openapi.json': {
    get: {
      operationId: 'getOpenApi',
      summary: 'This document',
      requester: 'any',
      answers: { 200: { description: 'OpenAPI 3.1.1.', json: 'OpenApi', headers: ['ETag'] }, 304: NOT_MODIFIED },
      isConditional: true,
    },
  },
}
