export interface ShownPerson {
  name: string
  avatarUrl: string | null
}

/** A time that runs out. `endsAt`: on the monotonic clock (`performance.now()`). */
export interface ShownTime {
  periodMs: number
  endsAt: number
}

/** The time ends when the next code is due. */
export interface ShownCode extends ShownTime {
  url: string
}

/** State of the login page's panel; `state` is its `data-state`. */
export type SignInScreen =
  | { state: 'loading' }
  | { state: 'ready'; code: ShownCode }
  /** `time`: for the answer on the phone. */
  | { state: 'scanned'; person: ShownPerson; time: ShownTime }
  | { state: 'match'; person: ShownPerson; time: ShownTime; attemptsLeft: number; isWrong: boolean; isSending: boolean }
  | { state: 'confirmed'; person: ShownPerson }
  | { state: 'denied' | 'mismatch' | 'scan_timeout' | 'paused' | 'offline' | 'unavailable' }
  | { state: 'reconnecting'; code: ShownCode | null; person: ShownPerson | null }
  | { state: 'rate_limited'; time: ShownTime }
  | { state: 'error'; reference: string | null }
  | { state: 'already'; person: ShownPerson }
