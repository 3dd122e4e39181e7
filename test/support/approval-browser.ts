import type { Answer, Refused } from '../../lib/client/api'
import type { ApprovalBrowser } from '../../lib/client/approval-browser'
import type { AccountListener } from '../../lib/client/follow-account'
import type { PasskeyAssertion, PasskeyRequest } from '../../lib/core/account/passkey'
import type { Review } from '../../lib/core/attempt/views'

export const REVIEW: Review = {
  claim: 'claim',
  status: 'scanned',
  expiresInMs: 120_000,
  app: null,
  computer: { browser: 'Chrome', os: 'Windows', place: null, requestedAgoMs: 0, sameNetwork: false, known: false },
  match: { required: false, number: null, passed: false, reasons: [] },
}
export const DUE: Review = {
  ...REVIEW,
  match: { required: true, number: '42', passed: false, reasons: ['new_browser'] },
}
export const MATCHED: Review = { ...DUE, match: { ...DUE.match, passed: true } }

export const ok = (change: Partial<Review> = {}): Answer<Review> => ({ ok: true, value: { ...REVIEW, ...change } })
export const refused = (code: Refused['code'], facts: Partial<Refused> = {}): Refused => ({
  ok: false,
  code,
  retryAfterMs: null,
  requestId: null,
  attemptsLeft: null,
  ...facts,
})

export const HELD: Answer<null> = { ok: true, value: null }

/** The passkey options of a review. Each scan has another challenge. */
export const requestOf = (challenge: string): PasskeyRequest => ({
  challenge,
  rpId: 'login.example.com',
  timeout: 300_000,
  userVerification: 'required',
  allowCredentials: [],
})
export const CREATION = { challenge: 'creation' }
export const ASSERTION: PasskeyAssertion = {
  id: 'passkey',
  response: { clientDataJSON: 'client', authenticatorData: 'data', signature: 'signature' },
}
export const ATTESTATION = { id: 'passkey', response: { clientDataJSON: 'client', attestationObject: 'object' } }

const next = <T>(values: T[]): T | undefined => (values.length > 1 ? values.shift() : values[0])

/** The browser and the server as the approval sees them. */
export class FakeBrowser {
  hash = '#code'
  /** The browser's part of `mayActUnprompted`. */
  mayAct = true
  /** The responses to each step, in order. The last one is repeated. */
  readonly answers: Record<string, Answer<unknown>[]> = {
    scan: [ok()],
    confirm: [ok()],
    cancel: [ok()],
    // As for a browser that does not hold the code.
    hold: [refused('code_expired')],
    '/api/passkeys/options': [{ ok: true, value: CREATION }],
    '/api/passkeys': [{ ok: true, value: {} }],
  }
  canUsePasskeys = true
  /** What comes out of the browser's dialogs, in order. The last one is repeated. */
  readonly signed: Awaited<ReturnType<ApprovalBrowser['signWithPasskey']>>[] = [ASSERTION]
  readonly created: Awaited<ReturnType<ApprovalBrowser['createPasskey']>>[] = [ATTESTATION]
  /** The options that the dialogs were opened with. */
  readonly dialogs: unknown[] = []
  isPreloaded = false
  readonly sent: [step: string, body: unknown][] = []
  /** The listeners of the open account streams. */
  readonly listeners = new Set<AccountListener>()
  streamsOpened = 0
  #onHashChange = () => {}

  readonly port: ApprovalBrowser = {
    call: (async (method: string, path: string, { body }: { body: unknown }) => {
      const step = path.replace('/api/qr/', '')
      this.sent.push([`${method} ${step}`, body])
      return next(this.answers[step] ?? [])
    }) as ApprovalBrowser['call'],
    followAccount: (_as, listener) => {
      this.listeners.add(listener)
      this.streamsOpened += 1
      return () => this.listeners.delete(listener)
    },
    mayActUnprompted: (isInitiatorTrusted) => isInitiatorTrusted && this.mayAct,
    canUsePasskeys: () => this.canUsePasskeys,
    preloadPasskeys: () => {
      this.isPreloaded = true
    },
    createPasskey: async (options) => {
      this.dialogs.push(options)
      return next(this.created) ?? 'failed'
    },
    signWithPasskey: async (options) => {
      this.dialogs.push(options)
      return next(this.signed) ?? 'failed'
    },
    readHash: () => this.hash,
    writeHash: (hash) => {
      this.hash = hash
    },
    onHashChange: (listener) => {
      this.#onHashChange = listener
      return () => {}
    },
  }

  /** A foreign page with a handle to the window can do this. */
  changeHash(hash: string): void {
    this.hash = hash
    this.#onHashChange()
  }

  publish(review: Review): void {
    for (const { onAttempt } of this.listeners) onAttempt?.(review)
  }

  sentSteps(): string[] {
    return this.sent.map(([step]) => step)
  }
}
