/**
 * The phone's side of a sign-in, for an app with its own accounts. It needs only `fetch` and runs in React Native
 * unchanged. Copy it into your app; docs/native-apps.md explains how to use it.
 */

export interface Review {
  claim: string
  /** `revoked`: redeemed, and its computer has been signed out again. */
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
    /** Why it is required. Show the person only these reasons. */
    reasons: ('policy' | 'new_browser' | 'other_network' | 'unknown_network' | 'short_code')[]
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
  /** While false, show a notice. */
  acknowledged: boolean
}

/** A refusal: switch on `code`, see PROTOCOL.md. */
export class SignInError extends Error {
  readonly code: string
  /** The delay before a retry, in ms; null if the server sent none. */
  readonly retryAfterMs: number | null

  constructor(code: string, retryAfterMs: number | null) {
    super(code)
    this.name = 'SignInError'
    this.code = code
    this.retryAfterMs = retryAfterMs
  }
}

export interface PhoneOptions {
  /** The origin of the deployment, such as `https://login.example.com`. */
  origin: string
  /** Returns a valid token of your accounts for the person on this phone. */
  getToken: () => Promise<string>
  /** Only if requests must be signed: returns the three headers for this request. */
  sign?: (method: string, path: string, body: string) => Promise<Record<string, string>>
}

/** The code in a scanned text; null if it is not a code of this deployment. */
export function parseCode(text: string, origin: string): string | null {
  const start = `${origin}/q#`
  return text.startsWith(start) ? text.slice(start.length) : null
}

export class SignInPhone {
  readonly #options: PhoneOptions

  constructor(options: PhoneOptions) {
    this.#options = options
  }

  /** Submits a code. Show `computer` to the person, then call `confirm` or `cancel`. */
  async scan(code: string): Promise<Review> {
    return await this.#send('POST', '/api/qr/scan', { code })
  }

  /** Submits the short code that the person has typed, in any letter case. `match.required` is always true after it. */
  async scanTyped(shortCode: string): Promise<Review> {
    return await this.#send('POST', '/api/qr/scan', { shortCode })
  }

  /**
   * Confirms the sign-in. While `match.required` and not yet `passed`, this throws `match_required`: show `match.number`
   * first. Within 0.7 s after the scan it throws `too_soon`: no person reads the details that fast.
   */
  async confirm(review: Review): Promise<Review> {
    return await this.#send('POST', '/api/qr/confirm', { claim: review.claim })
  }

  /** Cancels the sign-in. For 10 minutes after it, this is "Wasn't you?": signs exactly that computer out. Idempotent. */
  async cancel(review: Review): Promise<Review> {
    return await this.#send('POST', '/api/qr/cancel', { claim: review.claim })
  }

  /** The person's signed-in computers, newest first. */
  async listComputers(): Promise<SignedInComputer[]> {
    const { sessions } = await this.#send<{ sessions: SignedInComputer[] }>('GET', '/api/sessions')
    return sessions
  }

  /** "That was me": dismisses the notice of this computer on every phone. */
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
      // Web views of your app may have cookies of this site. A request must carry one identity only.
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
