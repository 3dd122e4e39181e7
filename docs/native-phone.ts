/**
 * The phone's side of a sign-in, for an app that has its own accounts. Needs `fetch` and nothing else, so that it runs in React Native
 * as it is. Copy it into your app: docs/native-apps.md tells how the parts fit together.
 */

export interface Review {
  claim: string
  /** `revoked`: it was redeemed, and its computer is signed out again. */
  status: 'pending' | 'scanned' | 'confirmed' | 'redeemed' | 'cancelled' | 'expired' | 'revoked'
  expiresInMs: number
  computer: {
    browser: string | null
    os: string | null
    place: string | null
    requestedAgoMs: number
    sameNetwork: boolean
    known: boolean
  }
  match: {
    required: boolean
    number: string | null
    passed: boolean
    /** Why it is required: tell the person only what is true. */
    reasons: ('policy' | 'new_browser' | 'other_network' | 'unknown_network')[]
  }
  cancelledBy?: 'phone' | 'computer' | 'match'
}

export interface SignedInComputer {
  id: string
  browser: string | null
  os: string | null
  place: string | null
  signedInAt: string
  lastSeenAt: string
  /** Until a phone answers for it, show a notice. */
  acknowledged: boolean
}

/** A refusal: switch on `code`, see PROTOCOL.md. */
export class SignInError extends Error {
  readonly code: string
  /** When asking again makes sense, in ms; null when it does not. */
  readonly retryAfterMs: number | null

  constructor(code: string, retryAfterMs: number | null) {
    super(code)
    this.name = 'SignInError'
    this.code = code
    this.retryAfterMs = retryAfterMs
  }
}

export interface PhoneOptions {
  /** Where computers are signed in, such as `https://login.example.com`. */
  origin: string
  /** A fresh token of your accounts for the person of this phone. */
  getToken: () => Promise<string>
  /** Only where requests have to be signed: the three headers for this request. */
  sign?: (method: string, path: string, body: string) => Promise<Record<string, string>>
}

/** What a code that the camera has read leads to; null when it is not one of this deployment's. */
export function parseCode(text: string, origin: string): string | null {
  const start = `${origin}/q#`
  return text.startsWith(start) ? text.slice(start.length) : null
}

export class SignInPhone {
  readonly #options: PhoneOptions

  constructor(options: PhoneOptions) {
    this.#options = options
  }

  /** Reports a code. Show `computer`, ask the person, and answer with `confirm` or `cancel`. */
  async scan(code: string): Promise<Review> {
    return await this.#send('POST', '/api/qr/scan', { code })
  }

  /**
   * The person said yes. While `match.required` and not yet `passed`, this throws `match_required`: show `match.number` first. Within
   * 0.7 s after the scan it throws `too_soon`: no person reads the question that fast.
   */
  async confirm(review: Review): Promise<Review> {
    return await this.#send('POST', '/api/qr/confirm', { claim: review.claim })
  }

  /** The person said no; or, for 10 minutes after the sign-in, "Wasn't you?": exactly that computer is signed out. Safe to repeat. */
  async cancel(review: Review): Promise<Review> {
    return await this.#send('POST', '/api/qr/cancel', { claim: review.claim })
  }

  /** The computers that this person is signed in on, newest first. */
  async listComputers(): Promise<SignedInComputer[]> {
    const { sessions } = await this.#send<{ sessions: SignedInComputer[] }>('GET', '/api/sessions')
    return sessions
  }

  /** "That was me": no phone shows the notice of this computer any more. */
  async acknowledge(computer: SignedInComputer): Promise<void> {
    await this.#send('POST', `/api/sessions/${computer.id}/acknowledge`)
  }

  async signOut(computer: SignedInComputer): Promise<void> {
    await this.#send('DELETE', `/api/sessions/${computer.id}`)
  }

  async signOutEverywhere(): Promise<void> {
    await this.#send('DELETE', '/api/sessions')
  }

  async #send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { origin, getToken, sign } = this.#options
    const text = body === undefined ? '' : JSON.stringify(body)
    const response = await fetch(origin + path, {
      method,
      // Your app's web views may hold cookies of the same site: a request has to say who it is once.
      credentials: 'omit',
      headers: {
        Authorization: `Bearer ${await getToken()}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(sign === undefined ? {} : await sign(method, path, text)),
      },
      ...(body === undefined ? {} : { body: text }),
    })
    const answer = await response.text()
    const value = answer === '' ? null : JSON.parse(answer)
    if (response.ok) return value
    const retryAfter = response.headers.get('retry-after')
    throw new SignInError(value?.code ?? 'internal', retryAfter === null ? null : Number(retryAfter) * 1000)
  }
}
