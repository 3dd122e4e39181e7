import { createHash } from 'node:crypto'
import { CHALLENGE_MS, challengeEndsAt, createChallenge } from '../core/account/challenge'
import {
  MAX_PASSKEYS,
  PASSKEY_ID,
  type Passkey,
  type PasskeyAssertion,
  type PasskeyAttestation,
  type PasskeyCreation,
  type PasskeyRequest,
  type PasskeyView,
  toPasskeyView,
} from '../core/account/passkey'
import type { PasskeyStore } from '../core/account/passkey-store'
import { accountNameOf, type Person, type PersonRecord, personOf } from '../core/account/person'
import type { Phone } from '../core/attempt/attempt'
import type { PasskeyVerifier } from '../core/attempt/confirm-policy'
import type { Audit } from '../core/audit'
import { ProtocolError } from '../core/errors'
import type { Keyring } from '../core/keys'
import type { Store } from '../core/store'

/** COSE algorithms that are accepted: ES256, EdDSA, RS256. */
const ALGORITHMS = [-7, -8, -257]

const SIGN_IN = 'sign-in'

/** The site that passkeys belong to (WebAuthn, relying party). */
export interface RelyingParty {
  /** The host name. A passkey works on no other. */
  id: string
  name: string
  /** The origin of the pages that may use a passkey. */
  origin: string
}

export interface PasskeysOptions {
  store: PasskeyStore & Pick<Store, 'takeOnce' | 'confirmDurable' | 'listSessions' | 'findSession'>
  audit: Audit
  keys: Keyring
  relyingParty: RelyingParty
  /** Whether people have no other way to sign a phone in: nobody removes the last passkey then. */
  isOnlySource: boolean
  now: () => number
  randomBytes: (size: number) => Buffer
}

/**
 * The passkeys of people (Web Authentication Level 3): added on a signed-in phone; used to sign a
 * phone in, and to confirm. The device verifies its user each time. A challenge is valid for one
 * purpose, for 5 minutes, and once.
 */
export class Passkeys implements PasskeyVerifier {
  readonly #options: PasskeysOptions

  constructor(options: PasskeysOptions) {
    this.#options = options
  }

  /** @throws ProtocolError `passkey_limit`. */
  async registrationOptions(phone: Phone): Promise<PasskeyCreation> {
    const { relyingParty: rp, store } = this.#options
    const { person } = phone
    const own = await store.listPasskeys(person.id)
    if (own.length >= MAX_PASSKEYS) throw new ProtocolError('passkey_limit')
    return {
      challenge: this.#challenge(addPurpose(phone)),
      rp: { id: rp.id, name: rp.name },
      user: { id: userHandleOf(person.id), name: accountNameOf(person) ?? person.name, displayName: person.name },
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
      timeout: CHALLENGE_MS,
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      excludeCredentials: own.map(toDescriptor),
    }
  }

  /**
   * Adds the passkey that was created with the options of `registrationOptions`.
   * @throws ProtocolError `passkey_wrong`, also if the passkey exists; `passkey_limit`.
   */
  async add(phone: Phone, attestation: PasskeyAttestation, name: string): Promise<PasskeyView> {
    const { store, audit, now } = this.#options
    const { credential, isSynced } = await this.#verifyAttestation(attestation, addPurpose(phone))
    const passkey: Passkey = {
      id: credential.id,
      person: await this.#latestPerson(phone),
      name,
      publicKey: Buffer.from(credential.publicKey).toString('base64url'),
      counter: credential.counter,
      transports: credential.transports ?? [],
      isSynced,
      addedBy: phone.sessionId,
      addedAt: now(),
      lastUsedAt: null,
    }
    const refused = await store.insertPasskey(passkey)
    if (refused !== null) throw new ProtocolError(refused === 'full' ? 'passkey_limit' : 'passkey_wrong')
    audit({ event: 'passkey.added', passkey: passkey.id, person: phone.person.id, phone: phone.sessionId })
    await this.#requireSignedIn(phone, passkey.id)
    await store.confirmDurable('sign-in')
    return toPasskeyView(passkey)
  }

  /** The person's passkeys, newest first. */
  async list(personId: string): Promise<PasskeyView[]> {
    return (await this.#options.store.listPasskeys(personId)).map(toPasskeyView)
  }

  /** @throws ProtocolError `not_found`, also for a passkey of another person. */
  async rename(personId: string, id: string, name: string): Promise<void> {
    if (!(await this.#options.store.renamePasskey(personId, id, name))) throw new ProtocolError('not_found')
  }

  /**
   * @throws ProtocolError `not_found`, also for a passkey of another person; `passkey_last` if the
   * person could not sign in any more.
   */
  async remove(personId: string, id: string): Promise<void> {
    const { store, audit, isOnlySource } = this.#options
    const own = await store.listPasskeys(personId)
    if (!own.some((each) => each.id === id)) throw new ProtocolError('not_found')
    if (isOnlySource && own.length === 1) throw new ProtocolError('passkey_last')
    if (await store.removePasskey(personId, id)) audit({ event: 'passkey.removed', passkey: id, person: personId })
    await store.confirmDurable('ending')
  }

  /** What a phone needs to sign in with any passkey of this site: no name is typed. */
  signInOptions(): PasskeyRequest {
    return this.#request(SIGN_IN, [])
  }

  /**
   * The person of the passkey that has signed a challenge of `signInOptions`.
   * @throws ProtocolError `passkey_wrong`.
   */
  async signIn(assertion: PasskeyAssertion): Promise<{ person: Person; passkeyId: string }> {
    const { person, id } = await this.#verifyAssertion(assertion, SIGN_IN, null)
    return { person: personOf(person), passkeyId: id }
  }

  /** Updates the person that is stored with all passkeys: an account source has described them. */
  async describePerson(person: Person): Promise<void> {
    await this.#options.store.describePerson(person)
  }

  async hasPasskeys(personId: string): Promise<boolean> {
    return (await this.#options.store.listPasskeys(personId)).length > 0
  }

  async confirmOptions(personId: string, claim: string): Promise<PasskeyRequest | null> {
    const own = await this.#options.store.listPasskeys(personId)
    return own.length === 0 ? null : this.#request(confirmPurpose(claim), own)
  }

  async verify(assertion: PasskeyAssertion, personId: string, claim: string): Promise<void> {
    await this.#verifyAssertion(assertion, confirmPurpose(claim), personId)
  }

  /** The person as last described: the session of this phone may be older than a change. */
  async #latestPerson({ person }: Phone): Promise<PersonRecord> {
    const { store } = this.#options
    const [[newest], [phone]] = await Promise.all([
      store.listPasskeys(person.id),
      store.listSessions(person.id, 'phone'),
    ])
    return newest?.person ?? phone?.person ?? person
  }

  /**
   * A phone that was signed out while it was adding keeps no passkey.
   * @throws ProtocolError `unauthenticated`.
   */
  async #requireSignedIn({ sessionId, person }: Phone, passkeyId: string): Promise<void> {
    const { store } = this.#options
    const session = await store.findSession(sessionId)
    if (session !== null && session.revokedAt === null) return
    await store.removePasskey(person.id, passkeyId)
    throw new ProtocolError('unauthenticated')
  }

  #challenge(purpose: string): string {
    const { keys, now, randomBytes } = this.#options
    return createChallenge(keys[0], purpose, { now: now(), randomBytes })
  }

  #request(purpose: string, allowed: readonly Passkey[]): PasskeyRequest {
    return {
      challenge: this.#challenge(purpose),
      rpId: this.#options.relyingParty.id,
      timeout: CHALLENGE_MS,
      userVerification: 'required',
      allowCredentials: allowed.map(toDescriptor),
    }
  }

  async #verifyAttestation({ id, response }: PasskeyAttestation, purpose: string) {
    const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers')
    const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
    const { relyingParty } = this.#options
    const challenge = this.#expect(purpose)
    const { verified, registrationInfo } = await refuse(async () => {
      const attestation = decodeAttestationObject(new Uint8Array(Buffer.from(response.attestationObject, 'base64url')))
      const attestationObject = withoutStatement(attestation.get('authData'))
      const bare = withoutNulls({ ...response, attestationObject })
      const given = { id, rawId: id, type: 'public-key', response: bare, clientExtensionResults: {} }
      return await verifyRegistrationResponse({
        response: given as Parameters<typeof verifyRegistrationResponse>[0]['response'],
        expectedChallenge: challenge.isRight,
        expectedOrigin: relyingParty.origin,
        expectedRPID: relyingParty.id,
        supportedAlgorithmIDs: ALGORITHMS,
      })
    })
    // The id that is stored is the one in the signed data: it has to be the one that routes accept.
    const isOwnId = verified && registrationInfo.credential.id === id && PASSKEY_ID.test(id)
    if (!isOwnId) throw new ProtocolError('passkey_wrong')
    await challenge.use()
    return { credential: registrationInfo.credential, isSynced: registrationInfo.credentialBackedUp }
  }

  /** `personId`: whose passkey it has to be; null: anyone's. */
  async #verifyAssertion(
    { id, response }: PasskeyAssertion,
    purpose: string,
    personId: string | null,
  ): Promise<Passkey> {
    const { store, relyingParty, now } = this.#options
    const passkey = await store.findPasskey(id)
    const isOwn = passkey !== null && (personId === null || passkey.person.id === personId)
    if (!isOwn || !isHandleOf(response.userHandle, passkey.person.id)) throw new ProtocolError('passkey_wrong')
    const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
    const given = { id, rawId: id, type: 'public-key', response: withoutNulls(response), clientExtensionResults: {} }
    const challenge = this.#expect(purpose)
    const { verified, authenticationInfo } = await refuse(() =>
      verifyAuthenticationResponse({
        response: given as Parameters<typeof verifyAuthenticationResponse>[0]['response'],
        expectedChallenge: challenge.isRight,
        expectedOrigin: relyingParty.origin,
        expectedRPID: relyingParty.id,
        credential: {
          id,
          publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
          counter: passkey.counter,
        },
      }),
    )
    if (!verified) throw new ProtocolError('passkey_wrong')
    await challenge.use()
    // The counter may have been used by another request since it was read.
    if (!(await store.recordPasskeyUse(id, authenticationInfo.newCounter, now())))
      throw new ProtocolError('passkey_wrong')
    return passkey
  }

  /** The challenge of a response: whether it was made for the purpose, and its only use. */
  #expect(purpose: string): { isRight: (challenge: string) => boolean; use: () => Promise<void> } {
    const { keys, now, store } = this.#options
    let answered = ''
    let endsAt: number | null = null
    return {
      isRight: (challenge) => {
        answered = challenge
        endsAt = challengeEndsAt(keys, challenge, purpose, now())
        return endsAt !== null
      },
      use: async () => {
        const isFirst = endsAt !== null && (await store.takeOnce(`challenge ${answered}`, endsAt, now()))
        if (!isFirst) throw new ProtocolError('passkey_wrong')
      },
    }
  }
}

function confirmPurpose(claim: string): string {
  return `confirm ${claim}`
}

function addPurpose({ sessionId, person }: Phone): string {
  return JSON.stringify(['add', sessionId, person.id])
}

function toDescriptor({ id, transports }: Passkey) {
  return { type: 'public-key' as const, id, transports: [...transports] }
}

/**
 * Names the person to authenticators: no personal data (WebAuthn, section 14.6.1), and the same
 * each time.
 */
function userHandleOf(personId: string): string {
  return createHash('sha256').update(`qr-login person ${personId}`).digest('base64url')
}

function isHandleOf(userHandle: string | null | undefined, personId: string): boolean {
  return userHandle === undefined || userHandle === null || userHandle === userHandleOf(personId)
}

function withoutNulls(response: object): object {
  return Object.fromEntries(Object.entries(response).filter(([, value]) => value !== null && value !== undefined))
}

/**
 * An attestation object of the format `none` (WebAuthn, section 6.5.4), as base64url. A statement
 * is never evaluated: it could name addresses that the library then requests.
 */
function withoutStatement(authData: Uint8Array): string {
  const { length: size } = authData
  const length = Buffer.from(size < 256 ? [0x58, size] : [0x59, size >> 8, size & 0xff])
  const head = Buffer.from('\xa3cfmtdnonegattStmt\xa0hauthData', 'latin1')
  return Buffer.concat([head, length, authData]).toString('base64url')
}

/** The library throws an error for each mistake of a response. */
async function refuse<T>(verify: () => Promise<T>): Promise<T> {
  try {
    return await verify()
  } catch {
    throw new ProtocolError('passkey_wrong')
  }
}
