import { createHash } from 'node:crypto'
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Person } from '../core/account/person'
import { isProtocolError } from '../core/errors'
import type { TokenPhone } from '../core/session/session'
import { KeySet } from './key-set'

/**
 * Signatures by the issuer's private keys (RFC 7518, RFC 8037). No `none`, and no HMAC: a public
 * key must not be able to sign.
 */
const KEY_SET_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

const SECRET_ALGORITHMS = ['HS256']

const MAX_TOKEN_CHARS = 4096
const MAX_SUB_CHARS = 255
const MAX_NAME_CHARS = 100
const MAX_PICTURE_CHARS = 1024

/** How far an issuer's clock may be ahead of ours: for `nbf` only. What has expired has expired. */
const CLOCK_TOLERANCE_S = 5

/** A stream needs a new token at least this often, whatever the token's own lifetime. */
const MAX_LIFE_MS = 24 * 3_600_000

/**
 * How bearer tokens of native apps are checked: by shared secrets, each of which is good, or by the
 * issuer's key set.
 */
export interface BearerSettings {
  key: { secrets: readonly [string, ...string[]] } | { keySetUrl: string }
  issuer: string
  audience: string
}

export interface BearerTokensOptions extends BearerSettings {
  /** Epoch ms, by which lifetimes are counted here. */
  now: () => number
  /** Epoch ms, as the machine's clock has it: what the issuer's times are compared with. */
  wall: () => number
  /** In ms: how old the keys are. */
  monotonicMs: () => number
  onError: (error: unknown) => void
}

/**
 * JSON Web Tokens (RFC 7519, RFC 8725) of native apps, in the `Authorization` header (RFC 6750).
 */
export class BearerTokens {
  readonly #options: BearerTokensOptions
  /** Tried one after the other. */
  readonly #keys: readonly JWTVerifyGetKey[]
  readonly #algorithms: string[]

  constructor(options: BearerTokensOptions) {
    const { key, monotonicMs, onError } = options
    this.#options = options
    if ('secrets' in key) {
      const encoder = new TextEncoder()
      this.#keys = key.secrets.map((text) => {
        const secret = encoder.encode(text)
        return async () => secret
      })
      this.#algorithms = SECRET_ALGORITHMS
    } else {
      this.#keys = [new KeySet({ url: key.keySetUrl, now: monotonicMs, onError }).find]
      this.#algorithms = KEY_SET_ALGORITHMS
    }
  }

  /**
   * The phone that the token identifies, or null when it is not accepted, for any reason.
   * @throws ProtocolError `unavailable` when it cannot be judged for want of keys.
   */
  async findPhone(token: string): Promise<TokenPhone | null> {
    if (token.length > MAX_TOKEN_CHARS) return null
    const { now, wall, onError } = this.#options
    try {
      const payload = await this.#verify(token)
      return payload === null ? null : toPhone(payload, now(), wall())
    } catch (error) {
      if (isProtocolError(error)) throw error
      // Keys that jose will not use (too short, of another kind) are the issuer's mistake: no yes,
      // and worth a line.
      if (!(error instanceof errors.JOSEError)) onError(error)
      return null
    }
  }

  /**
   * The claims of a token that is good; null when no key has signed it. Throws for any other flaw.
   */
  async #verify(token: string): Promise<JWTPayload | null> {
    const { issuer, audience, wall } = this.#options
    for (const key of this.#keys) {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: this.#algorithms,
          issuer,
          audience,
          requiredClaims: ['exp', 'sub'],
          clockTolerance: CLOCK_TOLERANCE_S,
          currentDate: new Date(wall()),
        })
        return payload
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
      }
    }
    return null
  }
}

function toPhone({ iss, sub, exp, sid, name, picture }: JWTPayload, now: number, wall: number): TokenPhone | null {
  if (typeof sub !== 'string' || !isPlain(sub) || sub.length > MAX_SUB_CHARS) return null
  if (exp === undefined || exp * 1000 <= wall) return null
  if (sid !== undefined && typeof sid !== 'string') return null
  const person: Person = { id: sub, name: toName(name) ?? sub, avatarUrl: toAvatarUrl(picture) }
  const identity = JSON.stringify([iss, sub, sid ?? null])
  const id = `token:${createHash('sha256').update(identity).digest('base64url')}`
  return { kind: 'token', id, person, expiresAt: now + Math.min(exp * 1000 - wall, MAX_LIFE_MS) }
}

function toName(name: unknown): string | null {
  if (typeof name !== 'string') return null
  const plain = name.replace(/[\p{Cc}\p{Cs}\p{Bidi_Control}]/gu, '').trim()
  // By code points: half of a surrogate pair is no text, and not every parser of JSON takes it.
  return [...plain].slice(0, MAX_NAME_CHARS).join('') || null
}

/** A path on our own origin, or an https address; anything else is no picture. */
function toAvatarUrl(picture: unknown): string | null {
  if (typeof picture !== 'string' || picture.length > MAX_PICTURE_CHARS) return null
  if (/^\/(?![/\\])[\x21-\x7e]*$/.test(picture)) return picture
  return URL.canParse(picture) && new URL(picture).protocol === 'https:' ? new URL(picture).href : null
}

/** Neither empty nor with characters that no log or screen should meet. */
function isPlain(text: string): boolean {
  return text !== '' && !/\p{Cc}|\p{Cs}/u.test(text)
}
