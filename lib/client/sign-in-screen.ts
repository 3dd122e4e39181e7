export interface ShownPerson {
  name: string
  avatarUrl: string | null
}

/** `endsAt`: when the next code is due, on the monotonic clock (`performance.now()`). */
export interface ShownCode {
  url: string
  periodMs: number
  endsAt: number
}

/** What the panel of the login page shows; `state` is its `data-state`. */
export type SignInScreen =
  | { state: 'loading' }
  | { state: 'ready'; code: ShownCode }
  | { state: 'scanned'; person: ShownPerson }
  | { state: 'match'; person: ShownPerson; attemptsLeft: number; isWrong: boolean; isSending: boolean }
  | { state: 'confirmed'; person: ShownPerson }
  | { state: 'denied' | 'mismatch' | 'scan_timeout' | 'paused' | 'offline' | 'unavailable' }
  | { state: 'reconnecting'; code: ShownCode | null; person: ShownPerson | null }
  | { state: 'rate_limited'; waitMs: number; endsAt: number }
  | { state: 'error'; reference: string | null }
  | { state: 'already'; person: ShownPerson }
