import { done, type Methods, NOT_MODIFIED } from './operation'

/** Sections 4.1 and 4.2 of PROTOCOL.md. */
export const ATTEMPT_OPERATIONS: Readonly<Record<string, Methods>> = {
  '/api/qr': {
    post: {
      operationId: 'startAttempt',
      summary: 'Start an attempt that belongs to this browser',
      requester: 'any',
      body: 'StartBody',
      responses: { 201: { description: 'Started.', json: 'Attempt', headers: ['Location', 'Set-Cookie'] } },
      codes: ['address_refused', 'rate_limited', 'interaction_unknown'],
    },
  },
  '/api/qr/hold': {
    post: {
      operationId: 'hold',
      summary: 'Hold a code while the person signs in on the phone',
      requester: 'any',
      body: 'HoldBody',
      responses: { 204: { description: 'Held until the attempt ends.', headers: ['Set-Cookie'] } },
      codes: ['code_unknown', 'code_expired', 'rate_limited'],
    },
  },
  '/api/qr/scan': {
    post: {
      operationId: 'scan',
      summary: 'The phone has read a code, or its person has typed one',
      requester: 'phone',
      body: 'ScanBody',
      responses: { 200: { description: 'The question for the person.', json: 'Review', headers: ['Set-Cookie'] } },
      codes: ['code_unknown', 'code_expired', 'attempt_taken', 'attempt_ended', 'wrong_state'],
    },
  },
  '/api/qr/confirm': {
    post: {
      operationId: 'confirm',
      summary: 'The person approves the sign-in',
      requester: 'phone',
      body: 'ConfirmBody',
      responses: { 200: { description: 'Confirmed.', json: 'Review' } },
      codes: [
        'claim_unknown',
        'match_required',
        'too_soon',
        'passkey_required',
        'passkey_wrong',
        'wrong_state',
        'attempt_ended',
      ],
    },
  },
  '/api/qr/cancel': {
    post: {
      operationId: 'cancelByPhone',
      summary: 'The person declines; within 10 min after the sign-in: sign that computer out',
      requester: 'phone',
      body: 'ClaimBody',
      responses: { 200: { description: 'Cancelled, or revoked.', json: 'Review' } },
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
      responses: {
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
      responses: { 204: done('Cancelled.') },
      codes: ['wrong_state', 'attempt_ended'],
    },
  },
  '/api/qr/{id}/events': {
    get: {
      operationId: 'followAttempt',
      summary: 'The attempt as it changes',
      requester: 'browser',
      responses: {
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
      responses: { 200: { description: 'Passed.', json: 'Attempt' } },
      codes: ['match_wrong', 'match_not_due', 'wrong_state', 'attempt_ended'],
    },
  },
  '/api/qr/{id}/short-code': {
    post: {
      operationId: 'getShortCode',
      summary: 'The code to type on the phone where its camera fails',
      requester: 'browser',
      body: 'StartBody',
      responses: { 200: { description: 'The code; the same for a repeat.', json: 'ShortCode' } },
      codes: ['wrong_state', 'attempt_ended'],
    },
  },
  '/api/qr/{id}/redeem': {
    post: {
      operationId: 'redeem',
      summary: 'Exchange the ticket for a session',
      requester: 'browser',
      body: 'RedeemBody',
      responses: { 200: { description: 'Signed in.', json: 'Redeemed', headers: ['Set-Cookie'] } },
      codes: ['ticket_wrong', 'wrong_state', 'attempt_ended', 'rate_limited'],
    },
  },
}
