import type { Review } from './views'

/**
 * Whether the phone has to confirm with a passkey, that is with its own lock. `passkey`: people who
 * have one. `passkey-always`: everyone.
 */
export type ConfirmPolicy = 'tap' | 'passkey' | 'passkey-always'

/** What a browser needs to use a passkey (WebAuthn, `PublicKeyCredentialRequestOptionsJSON`). */
export interface PasskeyRequest {
  challenge: string
  rpId: string
  /** Ms. */
  timeout: number
  userVerification: 'required'
  /** Empty: any passkey of this relying party. */
  allowCredentials: { type: 'public-key'; id: string; transports: readonly string[] }[]
}

/** What the browser returns (WebAuthn, `AuthenticationResponseJSON`): all but what is not used. */
export interface PasskeyAssertion {
  id: string
  response: {
    clientDataJSON: string
    authenticatorData: string
    signature: string
    userHandle?: string | null | undefined
  }
}

/** Confirms with passkeys. */
export interface Lock {
  /** What the phone signs to confirm this claim. Null: the person has no passkey. */
  request(personId: string, claim: string): Promise<PasskeyRequest | null>
  hasPasskeys(personId: string): Promise<boolean>
  /**
   * Resolves if a passkey of this person has signed a challenge of this claim, for the first time.
   * @throws ProtocolError `passkey_wrong`.
   */
  verify(assertion: PasskeyAssertion, personId: string, claim: string): Promise<void>
}

export interface LockOptions {
  confirmPolicy: ConfirmPolicy
  /** Null where there are no passkeys: the policy is `tap` then. */
  lock: Lock | null
}

/** What a phone confirms with. */
export interface Confirmation {
  claim: string
  passkey?: PasskeyAssertion | undefined
}

/** `missing`: a passkey is required, and none was verified. `none`: none is required. */
export type PasskeyState = 'none' | 'missing' | 'verified'

/** Applies the policy: when a phone has to confirm with a passkey. */
export class ConfirmLock {
  readonly #options: LockOptions

  constructor({ confirmPolicy, lock }: LockOptions) {
    this.#options = { confirmPolicy, lock }
  }

  /** Adds to the review of a scanned attempt what the phone needs to confirm. */
  async addTo(review: Review, personId: string): Promise<Review> {
    const { confirmPolicy, lock } = this.#options
    if (confirmPolicy === 'tap' || lock === null || review.status !== 'scanned') return review
    const passkey = await lock.request(personId, review.claim)
    if (passkey !== null) return { ...review, passkey }
    return { ...review, addPasskey: confirmPolicy === 'passkey-always' ? 'must' : 'may' }
  }

  /**
   * A passkey is verified, and its challenge used up, only if `isConfirmable`. Otherwise the
   * transition refuses, or repeats what was confirmed before.
   * @throws ProtocolError `passkey_wrong`.
   */
  async check({ claim, passkey }: Confirmation, personId: string, isConfirmable: () => boolean): Promise<PasskeyState> {
    const { confirmPolicy, lock } = this.#options
    if (lock !== null && passkey !== undefined && isConfirmable()) {
      await lock.verify(passkey, personId, claim)
      return 'verified'
    }
    if (confirmPolicy === 'passkey-always') return 'missing'
    const isRequired = confirmPolicy === 'passkey' && lock !== null && (await lock.hasPasskeys(personId))
    return isRequired ? 'missing' : 'none'
  }
}
