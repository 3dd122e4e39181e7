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
