export interface ShownPerson {
  name: string
  avatarUrl: string | null
}

/** A countdown. `endsAt`: on the monotonic clock (`performance.now()`). */
export interface ShownTime {
  periodMs: number
  endsAt: number
}

/** `endsAt`: when the next code is due. */
export interface ShownCode extends ShownTime {
  url: string
}

/** `letters`: as people read them. `endsAt`: when the attempt ends. */
export interface ShownShortCode extends ShownTime {
  letters: string
}

/** State of the login page's panel; `state` is its `data-state`. */
export type SignInScreen =
  | { state: 'loading' }
  | { state: 'ready'; code: ShownCode }
  /** Instead of the QR code, where the camera fails. `shortCode`: null until it is there. */
  | { state: 'short_code'; shortCode: ShownShortCode | null }
  /** `time`: until the phone has to confirm. */
  | { state: 'scanned'; person: ShownPerson; time: ShownTime }
  | { state: 'match'; person: ShownPerson; time: ShownTime; attemptsLeft: number; isWrong: boolean; isSending: boolean }
  | { state: 'confirmed'; person: ShownPerson }
  | { state: 'denied' | 'mismatch' | 'scan_timeout' | 'paused' | 'offline' | 'unavailable' }
  /** The request of the app has run out, or is of another browser. */
  | { state: 'lost_request' }
  | { state: 'reconnecting'; code: ShownCode | ShownShortCode | null; person: ShownPerson | null }
  | { state: 'rate_limited'; time: ShownTime }
  | { state: 'error'; reference: string | null }
  | { state: 'already'; person: ShownPerson }
