import { createHash, randomBytes } from 'node:crypto'

/** Mistakes of real deployments. Each careless server makes one of them, for the audit to find. */
export type Mistake =
  | 'result readable by id'
  | 'reusable code'
  | 'expired code held'
  | 'confirm by anyone'
  | 'predictable id'
  | 'client-chosen id'
  | 'token not checked'
  | 'data leaked'
  | 'confirm without a pause'
  | 'place from a client header'
  | 'network from a client header'
  | 'late cancel revokes nothing'
  | 'late cancel revokes every computer'
  | 'late cancel keeps the browser known'
  | 'phones of every person listed'
  | 'signed-out phone still works'
  | 'longer seal accepted'
  | 'page scans for any site'
  | 'page scans while prerendered'
  | 'refusals without limit'
  | 'refusal limit blocks every request'
  | 'password spraying'

/** The sender of a request, by its cookies and headers. */
export interface Party {
  browser: string | undefined
  session: string | undefined
  phone: string | undefined
  authorization: string | undefined
  address: string
  place: string | null
}

export interface Answer {
  status: number
  body?: unknown
  page?: string
  cookie?: string
  retryAfterS?: number
}

type Body = Record<string, string>

interface Scan {
  phone: string
  person: string
  claim: string
  at: number
  sameNetwork: boolean
  known: boolean
}

interface Attempt {
  id: string
  version: number
  status: 'pending' | 'scanned' | 'confirmed' | 'redeemed' | 'cancelled'
  browser: string
  address: string
  place: string | null
  codes: { code: string; at: number }[]
  scan: Scan | null
  ticket: string
  session: string
  isRevoked: boolean
}

const PERIOD_MS = 400
const CONFIRM_MIN_MS = 700
const PEOPLE = ['ada', 'lin', 'sam', 'yuki']

/** A cookie value that ends with its version, like a real seal. */
const seal = () => `${random()}~2`
const random = () => randomBytes(24).toString('base64url')
const hash = (text: string) => createHash('sha256').update(text).digest('base64url')

export const refuse = (status: number, code: string): Answer => ({ status, body: { status, code } })

/** The attempts, phones and computers of a small in-memory sign-in with one planted mistake. */
export class CarelessSignIn {
  readonly #mistake: Mistake | null
  readonly #origin: () => string
  readonly #attempts = new Map<string, Attempt>()
  /** Cookie value to person. */
  readonly #phones = new Map<string, string>()
  readonly #computers = new Map<string, string>()
  /** Person and browser. */
  readonly #known = new Set<string>()
  #count = 0

  constructor(mistake: Mistake | null, origin: () => string) {
    this.#mistake = mistake
    this.#origin = origin
  }

  /** The person of the phone; null if it is not signed in. */
  personOf({ phone = '', authorization }: Party): string | null {
    if (authorization !== undefined && this.#mistake === 'token not checked') {
      const claims = Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString()
      return claims.startsWith('{') ? (JSON.parse(claims) as { sub: string }).sub : null
    }
    return this.#phones.get(phone) ?? null
  }

  showPhone(party: Party): Answer {
    return toSignedIn(this.personOf(party))
  }

  signInPhone({ username = '', password }: Body): Answer {
    if (!PEOPLE.includes(username) || password !== 'demo') return refuse(401, 'credentials_wrong')
    const phone = seal()
    this.#phones.set(phone, username)
    return { status: 200, body: { person: { id: username, name: username } }, cookie: `phone=${phone}` }
  }

  signOutPhone({ phone = '' }: Party): Answer {
    this.#phones.delete(phone)
    return { status: 204 }
  }

  listPhones(party: Party): Answer {
    const person = this.personOf(party)
    if (person === null) return refuse(401, 'unauthenticated')
    const phones = this.#phonesOf(person).map((phone) => ({ id: hash(phone), current: phone === party.phone }))
    return { status: 200, body: { phones } }
  }

  endPhone(id: string, party: Party): Answer {
    const person = this.personOf(party)
    if (person === null) return refuse(401, 'unauthenticated')
    const phone = this.#phonesOf(person).find((each) => hash(each) === id)
    if (phone === undefined) return refuse(404, 'not_found')
    if (this.#mistake !== 'signed-out phone still works') this.#phones.delete(phone)
    return { status: 204 }
  }

  start(body: Body, { browser: known, address, place }: Party): Answer {
    this.#count += 1
    const chosen = this.#mistake === 'client-chosen id' ? body.id : undefined
    const counted = `attempt-${String(1_000_000_000 + this.#count)}`
    const id = chosen ?? (this.#mistake === 'predictable id' ? counted : randomBytes(12).toString('base64url'))
    const isOurs = [...this.#attempts.values()].some(({ browser }) => browser === known)
    const browser = isOurs && known !== undefined ? known : seal()
    const made = { codes: [], scan: null, ticket: random(), session: seal(), isRevoked: false }
    const attempt: Attempt = { id, version: 1, status: 'pending', browser, address, place, ...made }
    this.#attempts.set(id, attempt)
    return { status: 201, body: this.#view(attempt), ...(isOurs ? {} : { cookie: `browser=${browser}` }) }
  }

  hold({ code = '' }: Body): Answer {
    const attempt = this.#byCode(code)
    if (attempt === undefined) return refuse(404, 'code_unknown')
    const at = attempt.codes.find((each) => each.code === code)?.at ?? 0
    const isAlive = Date.now() - at < PERIOD_MS || this.#mistake === 'expired code held'
    if (!isAlive || attempt.status !== 'pending') return refuse(410, 'code_expired')
    return { status: 204, cookie: `hold=${seal()}` }
  }

  scan({ code = '', held }: Body, party: Party): Answer {
    const { phone = '', address } = party
    const person = this.personOf(party)
    if (person === null) return refuse(401, 'unauthenticated')
    const attempt = held === undefined ? this.#byCode(code) : undefined
    if (attempt === undefined) return refuse(404, 'code_unknown')
    const isReusable = this.#mistake === 'reusable code'
    const isSame = attempt.scan?.phone === phone && attempt.status === 'scanned'
    if (!isReusable && !isSame) {
      const at = attempt.codes.find((each) => each.code === code)?.at ?? 0
      if (attempt.status !== 'pending') return refuse(attempt.status === 'cancelled' ? 410 : 409, 'attempt_taken')
      if (Date.now() - at >= PERIOD_MS) return refuse(410, 'code_expired')
    }
    if (!isSame) {
      const risk = { sameNetwork: address === attempt.address, known: this.#known.has(`${person} ${attempt.browser}`) }
      attempt.scan = { phone, person, claim: random(), at: Date.now(), ...risk }
      this.#move(attempt, 'scanned')
    }
    return { status: 200, body: this.#review(attempt) }
  }

  confirm({ claim = '' }: Body, party: Party): Answer {
    const attempt = this.#byClaim(claim, party)
    if ('code' in attempt) return refuse(attempt.status, attempt.code)
    if (attempt.status === 'cancelled') return refuse(410, 'attempt_ended')
    const isSoon = Date.now() - (attempt.scan?.at ?? 0) < CONFIRM_MIN_MS
    if (isSoon && this.#mistake !== 'confirm without a pause') return { ...refuse(409, 'too_soon'), retryAfterS: 1 }
    if (attempt.status === 'scanned') this.#move(attempt, 'confirmed')
    return { status: 200, body: this.#review(attempt) }
  }

  cancel({ claim = '' }: Body, party: Party): Answer {
    const attempt = this.#byClaim(claim, party)
    if ('code' in attempt) return refuse(attempt.status, attempt.code)
    if (attempt.status === 'redeemed') this.#revoke(attempt)
    else this.#move(attempt, 'cancelled')
    return { status: 200, body: this.#review(attempt) }
  }

  leave(id: string, party: Party): Answer {
    const attempt = this.#attempts.get(id)
    if (attempt === undefined || attempt.browser !== party.browser) return refuse(404, 'not_found')
    if (attempt.status === 'redeemed') return refuse(409, 'wrong_state')
    this.#move(attempt, 'cancelled')
    return { status: 204 }
  }

  show(id: string, { browser }: Party): Answer {
    const attempt = this.#attempts.get(id)
    const isOwn = attempt?.browser === browser || this.#mistake === 'result readable by id'
    return attempt === undefined || !isOwn ? refuse(404, 'not_found') : { status: 200, body: this.#view(attempt) }
  }

  redeem(id: string, { ticket }: Body, { browser }: Party): Answer {
    const attempt = this.#attempts.get(id)
    if (attempt === undefined || attempt.browser !== browser) return refuse(404, 'not_found')
    if (attempt.status === 'cancelled') return refuse(410, 'attempt_ended')
    const isConfirmed = attempt.status === 'confirmed' || attempt.status === 'redeemed'
    if (!isConfirmed || attempt.isRevoked) return refuse(409, 'wrong_state')
    if (ticket !== attempt.ticket && this.#mistake !== 'token not checked') return refuse(403, 'ticket_wrong')
    this.#move(attempt, 'redeemed')
    const person = attempt.scan?.person ?? ''
    this.#computers.set(attempt.session, person)
    this.#known.add(`${person} ${attempt.browser}`)
    const session = { id: hash(attempt.session) }
    return { status: 200, body: { person: { id: person }, session }, cookie: `session=${attempt.session}` }
  }

  showComputer({ session = '' }: Party): Answer {
    return toSignedIn(this.#computers.get(session) ?? null)
  }

  listComputers(party: Party): Answer {
    if (this.personOf(party) === null) return refuse(401, 'unauthenticated')
    return { status: 200, body: { sessions: [] } }
  }

  #byCode(code: string): Attempt | undefined {
    return [...this.#attempts.values()].find(({ codes }) => codes.some((each) => each.code === code))
  }

  /** The attempt of this phone's claim, or the refusal. */
  #byClaim(claim: string, party: Party): Attempt | { status: number; code: string } {
    const attempt = [...this.#attempts.values()].find(({ scan }) => scan !== null && scan.claim === claim)
    const isAnyone = this.#mistake === 'confirm by anyone'
    if (!isAnyone && this.personOf(party) === null) return { status: 401, code: 'unauthenticated' }
    const isOwn = isAnyone || attempt?.scan?.phone === party.phone
    return attempt === undefined || !isOwn ? { status: 404, code: 'claim_unknown' } : attempt
  }

  #revoke(attempt: Attempt): void {
    const person = attempt.scan?.person ?? ''
    attempt.isRevoked = true
    if (this.#mistake !== 'late cancel keeps the browser known') this.#known.delete(`${person} ${attempt.browser}`)
    for (const [session, owner] of this.#computers) {
      const isEnded =
        this.#mistake === 'late cancel revokes every computer' ? owner === person : session === attempt.session
      if (isEnded && this.#mistake !== 'late cancel revokes nothing') this.#computers.delete(session)
    }
  }

  #phonesOf(person: string): string[] {
    const isEvery = this.#mistake === 'phones of every person listed'
    return [...this.#phones].filter(([, owner]) => isEvery || owner === person).map(([phone]) => phone)
  }

  #move(attempt: Attempt, status: Attempt['status']): void {
    attempt.status = status
    attempt.version += 1
  }

  #view(attempt: Attempt) {
    const { id, version, status, scan, ticket } = attempt
    const url = () => `${this.#origin()}/q#${this.#codeOf(attempt)}`
    const leaked = this.#mistake === 'data leaked' ? { id: scan?.person, phoneNumber: '+1 555 0100' } : {}
    return {
      id,
      version,
      status,
      expiresInMs: 60_000,
      code: status === 'pending' ? { url: url(), expiresInMs: PERIOD_MS } : undefined,
      person: scan === null ? undefined : { name: scan.person, avatarUrl: null, ...leaked },
      ticket: status === 'confirmed' ? ticket : undefined,
    }
  }

  #codeOf(attempt: Attempt): string {
    const isReusable = this.#mistake === 'reusable code' && attempt.codes.length > 0
    const last = attempt.codes.at(-1)
    if (last !== undefined && (isReusable || Date.now() - last.at < PERIOD_MS / 2)) return last.code
    const code = random()
    attempt.codes.push({ code, at: Date.now() })
    return code
  }

  #review({ status, scan, address, place, isRevoked }: Attempt) {
    const leaked = this.#mistake === 'data leaked' ? { address } : {}
    const { sameNetwork, known } = scan ?? {}
    return {
      claim: scan?.claim,
      status: isRevoked ? 'revoked' : status,
      expiresInMs: 60_000,
      computer: { browser: 'Firefox', os: 'Linux', place, requestedAgoMs: 0, sameNetwork, known, ...leaked },
      match: { required: false, number: null },
    }
  }
}

function toSignedIn(person: string | null): Answer {
  return { status: 200, body: person === null ? { signedIn: false } : { signedIn: true, person: { id: person } } }
}
