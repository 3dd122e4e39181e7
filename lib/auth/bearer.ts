import { createHash } from 'node:crypto'
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { toPerson } from '../accounts/claims'
import { isProtocolError } from '../core/errors'
import type { TokenPhone } from '../core/session/session'
import type { OutboundFetch } from '../http/outbound'
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

/** How far an issuer's clock may be ahead of ours: for `nbf` and `iat`, never for `exp`. */
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
  /** Fetches the key set. */
  fetch: OutboundFetch
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
    const { key, monotonicMs, onError, fetch } = options
    this.#options = options
    if ('secrets' in key) {
      const encoder = new TextEncoder()
      this.#keys = key.secrets.map((text) => {
        const secret = encoder.encode(text)
        return async () => secret
      })
      this.#algorithms = SECRET_ALGORITHMS
    } else {
      this.#keys = [new KeySet({ url: key.keySetUrl, now: monotonicMs, onError, fetch }).find]
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

function toPhone(claims: JWTPayload, now: number, wall: number): TokenPhone | null {
  const { iss, exp, iat, sid } = claims
  if (exp === undefined || exp * 1000 <= wall) return null
  // A token from the future was issued by a clock that is wrong, and its lifetime means nothing.
  if (iat !== undefined && iat * 1000 > wall + CLOCK_TOLERANCE_S * 1000) return null
  if (sid !== undefined && typeof sid !== 'string') return null
  const person = toPerson(claims)
  if (person === null) return null
  const identity = JSON.stringify([iss, person.id, sid ?? null])
  const id = `token:${createHash('sha256').update(identity).digest('base64url')}`
  return { kind: 'token', id, person, expiresAt: now + Math.min(exp * 1000 - wall, MAX_LIFE_MS) }
}
