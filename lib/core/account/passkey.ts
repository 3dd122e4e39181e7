import type { PersonRecord } from './person'

/** A passkey of a person (Web Authentication Level 3): its public half. */
export interface Passkey {
  /** The credential id, base64url. */
  id: string
  /** As the account source last described the person. */
  person: PersonRecord
  /** In the person's words, or those of the device that added it. */
  name: string
  /** COSE key, base64url. */
  publicKey: string
  /** The signature counter; 0 where the authenticator keeps none. */
  counter: number
  /** How browsers reach the authenticator. */
  transports: readonly string[]
  /** Whether the authenticator keeps copies on other devices. */
  isSynced: boolean
  /** The phone session that added it. */
  addedBy: string
  /** Epoch ms. */
  addedAt: number
  /** Epoch ms; null: never. */
  lastUsedAt: number | null
}

/** The maximum number of passkeys per person. */
export const MAX_PASSKEYS = 20

export const MAX_PASSKEY_NAME_CHARS = 60

/** A credential id has 16 to 1023 bytes (Web Authentication Level 3, section 4), base64url. */
export const PASSKEY_ID = /^[A-Za-z0-9_-]{22,1364}$/

/** What a person may see of an own passkey: an allow-list. */
export interface PasskeyView {
  id: string
  name: string
  /** Whether copies exist on other devices of the person. */
  synced: boolean
  /** ISO 8601, for display. */
  addedAt: string
  /** ISO 8601; null: never. */
  lastUsedAt: string | null
}

export function toPasskeyView({ id, name, isSynced, addedAt, lastUsedAt }: Passkey): PasskeyView {
  return {
    id,
    name,
    synced: isSynced,
    addedAt: new Date(addedAt).toISOString(),
    lastUsedAt: lastUsedAt === null ? null : new Date(lastUsedAt).toISOString(),
  }
}

/** What a browser needs to use a passkey (WebAuthn, `PublicKeyCredentialRequestOptionsJSON`). */
export interface PasskeyRequest {
  challenge: string
  rpId: string
  /** Ms. */
  timeout: number
  userVerification: 'required'
  /** Empty: any passkey of this relying party. */
  allowCredentials: { type: 'public-key'; id: string; transports: string[] }[]
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

/** What a browser needs to add a passkey (WebAuthn, `PublicKeyCredentialCreationOptionsJSON`). */
export interface PasskeyCreation {
  challenge: string
  rp: { id: string; name: string }
  user: { id: string; name: string; displayName: string }
  pubKeyCredParams: { type: 'public-key'; alg: number }[]
  /** Ms. */
  timeout: number
  attestation: 'none'
  authenticatorSelection: { residentKey: 'required'; requireResidentKey: true; userVerification: 'required' }
  excludeCredentials: { type: 'public-key'; id: string; transports: string[] }[]
}

/** What the browser returns (WebAuthn, `RegistrationResponseJSON`): all but what is not used. */
export interface PasskeyAttestation {
  id: string
  response: { clientDataJSON: string; attestationObject: string; transports?: string[] | undefined }
}
