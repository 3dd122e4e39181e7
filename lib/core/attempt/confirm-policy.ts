import type { PasskeyAssertion, PasskeyRequest } from '../account/passkey'
import type { Review } from './views'

/**
 * Whether the phone has to confirm with a passkey, that is with its own lock. `passkey`: people who
 * have one. `passkey-always`: everyone.
 */
export type ConfirmPolicy = 'tap' | 'passkey' | 'passkey-always'

/** Confirms with passkeys. */
export interface PasskeyVerifier {
  /** What the phone signs to confirm this claim. Null: the person has no passkey. */
  confirmOptions(personId: string, claim: string): Promise<PasskeyRequest | null>
  hasPasskeys(personId: string): Promise<boolean>
  /**
   * Resolves if a passkey of this person has signed a challenge of this claim, for the first time.
   * @throws ProtocolError `passkey_wrong`.
   */
  verify(assertion: PasskeyAssertion, personId: string, claim: string): Promise<void>
}

export interface ConfirmPolicyOptions {
  confirmPolicy: ConfirmPolicy
  /** Null where there are no passkeys: with `passkey-always` nobody can confirm then. */
  verifier: PasskeyVerifier | null
}

/** What a phone confirms with. */
export interface Confirmation {
  claim: string
  passkey?: PasskeyAssertion | undefined
}

/** `missing`: a passkey is required, and none was verified. `none`: none is required. */
export type PasskeyState = 'none' | 'missing' | 'verified'

/** Applies the policy: when a phone has to confirm with a passkey. */
export class ConfirmPolicyCheck {
  readonly #options: ConfirmPolicyOptions

  constructor({ confirmPolicy, verifier }: ConfirmPolicyOptions) {
    this.#options = { confirmPolicy, verifier }
  }

  /** Adds to the review of a scanned attempt what the phone needs to confirm. */
  async addTo(review: Review, personId: string): Promise<Review> {
    const { confirmPolicy, verifier } = this.#options
    if (confirmPolicy === 'tap' || verifier === null || review.status !== 'scanned') return review
    const passkey = await verifier.confirmOptions(personId, review.claim)
    if (passkey !== null) return { ...review, passkey }
    return { ...review, addPasskey: confirmPolicy === 'passkey-always' ? 'must' : 'may' }
  }

  /**
   * A passkey is verified, and its challenge used up, only if `isConfirmable`. Otherwise the
   * transition refuses, or repeats what was confirmed before.
   * @throws ProtocolError `passkey_wrong`.
   */
  async check({ claim, passkey }: Confirmation, personId: string, isConfirmable: () => boolean): Promise<PasskeyState> {
    const { confirmPolicy, verifier } = this.#options
    if (verifier !== null && passkey !== undefined && isConfirmable()) {
      await verifier.verify(passkey, personId, claim)
      return 'verified'
    }
    if (confirmPolicy === 'passkey-always') return 'missing'
    const isRequired = confirmPolicy === 'passkey' && verifier !== null && (await verifier.hasPasskeys(personId))
    return isRequired ? 'missing' : 'none'
  }
}
