import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/** What a browser adds to a response: the pages' origin, and the kind of response. */
interface Ceremony {
  challenge: string
  origin: string
  rpId: string
  /** Whether the user was verified, by the lock of the device. */
  isVerified?: boolean
  /** Of the attestation: `none` by default, otherwise with a statement that does not verify. */
  format?: 'none' | 'android-key'
  /** By default one more than before. */
  counter?: number
}

const USER_PRESENT = 0x01
const USER_VERIFIED = 0x04
const HAS_CREDENTIAL = 0x40

/** A WebAuthn authenticator with one ES256 credential, and the browser before it. */
export class Authenticator {
  readonly id: string
  counter = 0
  readonly #privateKey: KeyObject
  readonly #publicKey: KeyObject

  constructor(idBytes = 16) {
    this.id = randomBytes(idBytes).toString('base64url')
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#privateKey = privateKey
    this.#publicKey = publicKey
  }

  /** Creates the credential: `RegistrationResponseJSON`. */
  create(ceremony: Ceremony) {
    const authData = Buffer.concat([
      this.#authData(ceremony, HAS_CREDENTIAL),
      Buffer.alloc(16),
      Buffer.from([0, Buffer.from(this.id, 'base64url').length]),
      Buffer.from(this.id, 'base64url'),
      this.#coseKey(),
    ])
    const attestation = Buffer.concat([
      Buffer.from([0xa3]),
      cborText('fmt'),
      cborText(ceremony.format ?? 'none'),
      cborText('attStmt'),
      ...(ceremony.format === 'android-key'
        ? [Buffer.from([0xa1]), cborText('sig'), cborBytes(Buffer.alloc(32))]
        : [Buffer.from([0xa0])]),
      cborText('authData'),
      cborBytes(authData),
    ])
    return {
      ...this.#envelope,
      response: {
        clientDataJSON: toClientData('webauthn.create', ceremony).toString('base64url'),
        attestationObject: attestation.toString('base64url'),
        transports: ['internal'],
      },
    }
  }

  /** Uses the credential: `AuthenticationResponseJSON`. */
  get(ceremony: Ceremony & { userHandle?: string }) {
    const clientData = toClientData('webauthn.get', ceremony)
    const authData = this.#authData(ceremony, 0)
    const signed = Buffer.concat([authData, createHash('sha256').update(clientData).digest()])
    return {
      ...this.#envelope,
      response: {
        clientDataJSON: clientData.toString('base64url'),
        authenticatorData: authData.toString('base64url'),
        signature: sign('sha256', signed, this.#privateKey).toString('base64url'),
        ...(ceremony.userHandle === undefined ? {} : { userHandle: ceremony.userHandle }),
      },
    }
  }

  get #envelope() {
    return {
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      authenticatorAttachment: 'platform',
      clientExtensionResults: {},
    }
  }

  #authData({ rpId, isVerified = true, counter = this.counter + 1 }: Ceremony, more: number): Buffer {
    this.counter = counter
    const tail = Buffer.alloc(5)
    tail.writeUInt8(USER_PRESENT | (isVerified ? USER_VERIFIED : 0) | more)
    tail.writeUInt32BE(counter, 1)
    return Buffer.concat([createHash('sha256').update(rpId).digest(), tail])
  }

  /** `{1: 2, 3: -7, -1: 1, -2: x, -3: y}` (RFC 9053, section 7.1.1). */
  #coseKey(): Buffer {
    const { x = '', y = '' } = this.#publicKey.export({ format: 'jwk' })
    return Buffer.concat([
      Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21]),
      cborBytes(Buffer.from(x, 'base64url')),
      Buffer.from([0x22]),
      cborBytes(Buffer.from(y, 'base64url')),
    ])
  }
}

function toClientData(type: string, { challenge, origin }: Ceremony): Buffer {
  return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }))
}

function cborText(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 | text.length]), Buffer.from(text)])
}

function cborBytes(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x58, bytes.length]), bytes])
}
