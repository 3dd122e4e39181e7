import { createHash } from 'node:crypto'
import { parseCookie, stringifySetCookie } from 'cookie'
import { sealData, unsealData } from 'iron-session'
import { deriveKey } from '../core/keys'

/**
 * What a browser carries, each sealed: the browser secret, the id of a session or of a phone's
 * session, the id of the attempt whose code it holds, the sign-in that it has begun at the team's
 * provider, and the secret that the requests of apps belong to. On the host of an app behind
 * forward auth: the secret of a sign-in, and the session (see `app-cookies.ts`). A seal contains
 * nothing else.
 */
export type CookieName = 'browser' | 'session' | 'phone' | 'hold' | 'oidc' | 'app' | 'app_state' | 'app_session'

/** Cookies that outlive a rotation of the secret. The others live for minutes. */
const RESEALED = ['browser', 'session', 'phone'] as const

/**
 * The longest that browsers keep a cookie (RFC 6265bis). The records decide, so that a seal needs
 * no end of its own.
 */
const MAX_AGE_S = 400 * 86_400

/**
 * A seal of a short id takes about 300 bytes; anything long is not ours and not worth a key
 * derivation.
 */
const MAX_SEAL_CHARS = 1024

/**
 * What iron-session writes, to the letter: nothing follows the version. The second field is the
 * key's id.
 */
const SEAL = /^Fe26\.2\*(\d+)\*[\w*-]+~2$/

/** Unsealing takes 0.4 ms and always gives the same: this many seals are remembered, about 5 MB. */
const REMEMBERED_SEALS = 10_000

interface Sealed {
  name: CookieName
  value: string
}

export interface CookiesOptions {
  /** The first seals, all unseal. */
  secrets: readonly [string, ...string[]]
  /** With an https origin: Secure, and the `__Host-` prefix. */
  secure: boolean
}

/** Reads and writes the browser's cookies, sealed by iron-session, which is imported here only. */
export class Cookies {
  readonly #secure: boolean
  readonly #sealWith: Record<string, string>
  readonly #unsealWith: Record<string, string>
  /** Whether cookies may be sealed with a secret that is on its way out. */
  readonly isRotating: boolean
  /** The last header that was parsed: a request reads several cookies of one header. */
  #parsed: { header: string; cookies: ReturnType<typeof parseCookie> } = { header: '', cookies: {} }
  /** Genuine seals with what they hold, the oldest first. Forged ones are never kept. */
  readonly #remembered = new Map<string, Sealed>()

  constructor({ secrets, secure }: CookiesOptions) {
    const passwords = secrets.map((secret): [string, string] => {
      const password = deriveKey(secret, 'cookie').toString('base64url')
      // Named by what it is rather than by its place in the list, so that rotation never renames a
      // key.
      return [String(createHash('sha256').update(`id ${password}`).digest().readUIntBE(0, 4)), password]
    })
    this.#secure = secure
    this.isRotating = secrets.length > 1
    this.#sealWith = Object.fromEntries(passwords.slice(0, 1))
    this.#unsealWith = Object.fromEntries(passwords)
  }

  /**
   * The sealed value, or null. Any bytes that we did not seal under this name are the same as no
   * cookie.
   */
  async read(cookieHeader: string | null, name: CookieName): Promise<string | null> {
    if (cookieHeader === null) return null
    const seal = this.#parse(cookieHeader)[this.#nameOf(name)]
    if (seal === undefined || seal.length > MAX_SEAL_CHARS || !SEAL.test(seal) || !hasOneSpelling(seal)) return null
    const sealed = this.#remembered.get(seal) ?? (await this.#unseal(seal))
    // The purpose is inside the seal: a phone's seal under the session's name opens nothing.
    return sealed?.name === name ? sealed.value : null
  }

  /**
   * A `Set-Cookie` value that carries `value`, sealed. `maxAgeS`: for how long browsers keep it.
   */
  async write(name: CookieName, value: string, maxAgeS = MAX_AGE_S): Promise<string> {
    const sealed: Sealed = { name, value }
    const seal = await sealData(sealed, { password: this.#sealWith, ttl: 0 })
    this.#remember(seal, sealed)
    return this.#serialise(name, seal, maxAgeS)
  }

  /**
   * `Set-Cookie` values that carry what the client's cookies hold, sealed with the first secret,
   * for those that were sealed with another. `written`: what the response sets already. `all`: the
   * sessions too, not only the browser's secret.
   */
  async reseal(cookieHeader: string | null, written: readonly string[], all: boolean): Promise<string[]> {
    if (cookieHeader === null) return []
    const cookies = this.#parse(cookieHeader)
    const lines: string[] = []
    for (const name of all ? RESEALED : (['browser'] as const)) {
      const [, keyId = ''] = SEAL.exec(cookies[this.#nameOf(name)] ?? '') ?? []
      const isWritten = written.some((line) => line.startsWith(`${this.#nameOf(name)}=`))
      if (keyId === '' || isWritten || keyId in this.#sealWith) continue
      const value = await this.read(cookieHeader, name)
      if (value !== null) lines.push(await this.write(name, value))
    }
    return lines
  }

  /** A `Set-Cookie` value that removes it. */
  clear(name: CookieName): string {
    return this.#serialise(name, '', 0)
  }

  #parse(header: string): ReturnType<typeof parseCookie> {
    if (this.#parsed.header !== header) this.#parsed = { header, cookies: parseCookie(header) }
    return this.#parsed.cookies
  }

  async #unseal(seal: string): Promise<Sealed | null> {
    const data = await unsealData<Partial<Sealed>>(seal, { password: this.#unsealWith, ttl: 0 })
    if (data.name === undefined || data.value === undefined) return null
    const sealed = { name: data.name, value: data.value }
    this.#remember(seal, sealed)
    return sealed
  }

  #remember(seal: string, sealed: Sealed): void {
    if (this.#remembered.size >= REMEMBERED_SEALS) {
      const [oldest] = this.#remembered.keys()
      if (oldest !== undefined) this.#remembered.delete(oldest)
    }
    this.#remembered.set(seal, sealed)
  }

  #serialise(name: CookieName, value: string, maxAge: number): string {
    return stringifySetCookie({
      name: this.#nameOf(name),
      value,
      maxAge,
      path: '/',
      httpOnly: true,
      // Lax where a person arrives by a link (from the phone's camera) and should be recognised at
      // once.
      sameSite: name === 'browser' ? 'strict' : 'lax',
      secure: this.#secure,
    })
  }

  #nameOf(name: CookieName): string {
    return `${this.#secure ? '__Host-' : ''}qr_${name}`
  }
}

/**
 * The MAC at a seal's end leaves two bits of its last character unused: of the four characters that
 * mean the same, one is ours.
 */
function hasOneSpelling(seal: string): boolean {
  const mac = seal.split('~', 1)[0]?.split('*').at(-1) ?? ''
  return Buffer.from(mac, 'base64url').toString('base64url') === mac
}
