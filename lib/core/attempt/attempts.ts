import { isProtocolError, ProtocolError } from '../errors'
import { keysNamed } from '../keys'
import type { Limiter } from '../rate-limit/limiter'
import type { Guard } from '../rate-limit/limits'
import type { Change } from '../store'
import type { AppliedChange, UpdateOptions } from '../update-attempt'
import type { RequestingApp } from './app'
import { type Attempt, attemptAt, type Computer, createAttempt, type Phone } from './attempt'
import { ATTEMPT_ID, ATTEMPT_ID_CHARS, codePeriodAt, isCodeAlive, parseCode, toAttemptId } from './code'
import { type Confirmation, ConfirmPolicyCheck, type ConfirmPolicyOptions } from './confirm-policy'
import type { RedeemRequest, RedeemResult, SessionToRevoke } from './redeem'
import type { MatchPolicy } from './risk'
import { type ScannedCode, type ScanOrigin, Scans } from './scans'
import { ShortCodes, type ShortCodeView } from './short-codes'
import { AttemptSteps, type AttemptStepsOptions } from './steps'
import { isMatchNumberOf, isTicketOf, parseClaim, sessionIdOf } from './tokens'
import { type AttemptEvent, transition } from './transition'
import { type AttemptView, type Review, toAttemptView, toReview, type ViewContext } from './views'

export interface AttemptsOptions extends ViewContext, AttemptStepsOptions, ConfirmPolicyOptions {
  limiter: Limiter
  matchPolicy: MatchPolicy
  /** How often a browser may try to redeem its attempt. */
  redeemTries: number
  now: () => number
  randomBytes: (size: number) => Buffer
}

/**
 * The life of an attempt: each step is one pure transition. A browser is identified by the hash of
 * its secret, a phone by its session. One to which the attempt does not belong gets the refusal of
 * an unknown id.
 */
export class Attempts {
  readonly #options: AttemptsOptions
  readonly #steps: AttemptSteps
  readonly #confirmPolicy: ConfirmPolicyCheck
  readonly #shortCodes: ShortCodes
  readonly #scans: Scans

  constructor(options: AttemptsOptions) {
    this.#options = options
    this.#steps = new AttemptSteps(options)
    this.#confirmPolicy = new ConfirmPolicyCheck(options)
    this.#shortCodes = new ShortCodes(options)
    const parts = { steps: this.#steps, confirmPolicy: this.#confirmPolicy, shortCodes: this.#shortCodes }
    this.#scans = new Scans(options, parts)
  }

  /** `guard`: null if the start was counted before. `app`: null for our own home page. */
  async start(computer: Computer, guard: Guard | null, app: RequestingApp | null = null): Promise<AttemptView> {
    const { store, keys, lifetimes, now, randomBytes } = this.#options
    const keyId = keys[0].id
    const attempt = createAttempt({ id: toAttemptId(randomBytes(12)), keyId, computer, app }, now(), lifetimes)
    await store.insertAttempt(attempt, guard ?? undefined)
    this.#steps.record('started', attempt)
    return this.view(attempt)
  }

  /**
   * @throws ProtocolError `not_found` for an unknown id and for another browser's attempt alike.
   */
  async requireOwn(id: string, browserHash: string): Promise<Attempt> {
    const attempt = await this.#options.store.findAttempt(id)
    if (attempt === null) throw new ProtocolError('not_found')
    return checkOwn(attempt, browserHash)
  }

  view(attempt: Attempt): AttemptView {
    return toAttemptView(attempt, this.#options.now(), this.#options)
  }

  /**
   * Changes with the version and with the code. Weak (RFC 9110, section 8.8.1): the countdown is in
   * neither.
   */
  etagOf(stored: Attempt): string {
    const attempt = attemptAt(stored, this.#options.now())
    if (attempt.status !== 'pending') return `W/"${attempt.version}"`
    const { startsAt } = codePeriodAt(attempt.createdAt, this.#options.now(), this.#options.lifetimes.codePeriodMs)
    return `W/"${attempt.version}-${startsAt - attempt.createdAt}"`
  }

  /** Whether the code, which may have expired, is one of this attempt. */
  isCodeOf(code: string, attemptId: string): boolean {
    return parseCode(this.#options.keys, code)?.attemptId === attemptId
  }

  /**
   * The attempt whose code a phone may hold while its person signs in. `heldId`: of the attempt
   * that the phone holds already; its code may have expired since.
   * @throws ProtocolError `code_unknown`; `code_expired` also when the attempt is not pending.
   */
  async requireHoldable(code: string, heldId: string | null): Promise<{ attemptId: string; expiresInMs: number }> {
    const { keys, lifetimes, now } = this.#options
    const parsed = parseCode(keys, code)
    if (parsed === null) throw new ProtocolError('code_unknown')
    const { attemptId, startsAt } = parsed
    const isAlive = heldId === attemptId || isCodeAlive(startsAt, now(), lifetimes.codePeriodMs)
    if (!isAlive) throw new ProtocolError('code_expired')
    const stored = await this.#read(attemptId)
    if (stored === null) throw new ProtocolError('code_unknown')
    const attempt = attemptAt(stored, now())
    if (attempt.status !== 'pending') throw new ProtocolError('code_expired')
    return { attemptId, expiresInMs: attempt.expiresAt - now() }
  }

  /**
   * The code that the person types where the camera fails, for a pending attempt of this browser.
   * @throws ProtocolError `not_found`, `wrong_state`, `attempt_ended`.
   */
  async shortCode(id: string, browserHash: string): Promise<ShortCodeView> {
    return await this.#shortCodes.issue(await this.requireOwn(id, browserHash))
  }

  /**
   * Binds the attempt of a code to the phone. `scanned`: a ProtocolError is thrown once the phone
   * is known and the scan is counted.
   * @throws ProtocolError `rate_limited`, `code_unknown`, `code_expired`, and what the transition
   * refuses.
   */
  async scan(scanned: ScannedCode | ProtocolError, requester: Promise<Phone>, origin: ScanOrigin): Promise<Review> {
    return await this.#scans.scan(scanned, requester, origin)
  }

  async match(id: string, browserHash: string, number: string): Promise<AttemptView> {
    const event = (attempt: Attempt): AttemptEvent => ({
      type: 'match',
      right: isMatchNumberOf(keysNamed(this.#options.keys, attempt.keyId), id, number),
    })
    return this.view(await this.#applyOwn(id, browserHash, event))
  }

  /**
   * Approves the sign-in. The attempt is read while the phone is authenticated. `confirmation`: a
   * ProtocolError is thrown once the phone is known and the request is counted.
   * @throws ProtocolError `rate_limited`, `claim_unknown`, `passkey_wrong`, and what the transition
   * refuses.
   */
  async confirm(confirmation: Confirmation | ProtocolError, requester: Promise<Phone>): Promise<Review> {
    const id = isProtocolError(confirmation) ? undefined : attemptIdOf(confirmation.claim)
    const [phone, from] = await Promise.all([requester, this.#read(id)])
    return await this.#options.limiter.confirm(phone.person.id, (guard) =>
      this.#confirm(confirmation, { phone, from, guard }),
    )
  }

  /**
   * `revokes`: where the attempt was redeemed, the session and the browser that have to be signed
   * out now.
   */
  async cancelByPhone(phone: Phone, claim: string): Promise<{ review: Review; revokes: SessionToRevoke | null }> {
    const { review, changed } = await this.#decide(this.#parseClaim(claim, phone), { type: 'cancel', phone })
    const { attempt, revokes: sessionId } = changed
    if (sessionId === undefined) return { review, revokes: null }
    return { review, revokes: { sessionId, browserHash: attempt.computer.browserHash } }
  }

  async cancelByComputer(id: string, browserHash: string): Promise<void> {
    await this.#applyOwn(id, browserHash, () => ({ type: 'cancel', phone: null }))
  }

  /**
   * The session that the attempt leads to begins with this step. `begun` is null for a repeat
   * within 10 s, whose session began before, and may have ended since. `begin` makes the session;
   * it may be called more than once.
   */
  async redeem({ id, browserHash, ticket, begin }: RedeemRequest): Promise<RedeemResult> {
    const change = (stored: Attempt): Change => {
      const { keyId } = checkOwn(stored, browserHash)
      const keys = keysNamed(this.#options.keys, keyId)
      const ticketRight = isTicketOf(keys, id, ticket)
      const { redeemTries: maxTries } = this.#options
      const event: AttemptEvent = { type: 'redeem', ticketRight, sessionId: sessionIdOf(keys, id), maxTries }
      const outcome = this.#transition(stored, event)
      const { attempt } = outcome
      const begins = attempt.status === 'redeemed' && stored.status !== 'redeemed' ? begin(attempt) : undefined
      return begins === undefined ? outcome : { ...outcome, begins }
    }
    const { attempt, begins, ended } = await this.#steps.apply(id, change, () => new ProtocolError('not_found'))
    if (attempt.status !== 'redeemed') throw new Error('a redeem that is not refused leads to a session')
    const { sessionId, app = null } = attempt
    return { sessionId, begun: begins?.session ?? null, app, ended }
  }

  async #confirm(
    confirmation: Confirmation | ProtocolError,
    { phone, from, guard }: { phone: Phone; from: Attempt | null; guard: Guard },
  ): Promise<Review> {
    const { limiter } = this.#options
    if (isProtocolError(confirmation)) {
      await limiter.pass(guard)
      throw confirmation
    }
    const claimed = this.#parseClaim(confirmation.claim, phone)
    const isConfirmable = () => from !== null && claimed.id === from.id && this.#isConfirmable(from, phone)
    // A passkey is counted before it is verified, and its challenge used up.
    const isCounted = confirmation.passkey !== undefined
    if (isCounted) await limiter.pass(guard)
    const passkey = await this.#confirmPolicy.check(confirmation, phone.person.id, isConfirmable)
    const options = isCounted ? { from } : { guard, from }
    return (await this.#decide(claimed, { type: 'confirm', phone, passkey }, options)).review
  }

  /** Whether a verified passkey would confirm the attempt now. */
  #isConfirmable(stored: Attempt, phone: Phone): boolean {
    try {
      return this.#transition(stored, { type: 'confirm', phone, passkey: 'verified' }).attempt !== stored
    } catch {
      return false
    }
  }

  async #read(id: string | undefined): Promise<Attempt | null> {
    return id === undefined ? null : await this.#options.store.findAttempt(id)
  }

  /** No attempt has the id '': a claim that is not ours is counted and refused like any other. */
  #parseClaim(claim: string, phone: Phone): Claimed {
    return { claim, id: parseClaim(this.#options.keys, claim, phone) ?? '' }
  }

  async #decide(
    { claim, id }: Claimed,
    event: AttemptEvent,
    options: UpdateOptions = {},
  ): Promise<{ review: Review; changed: AppliedChange }> {
    const { keys, now } = this.#options
    const unknown = () => new ProtocolError('claim_unknown')
    const from = options.from?.id === id ? options.from : null
    const change = (stored: Attempt) => this.#transition(stored, event)
    const changed = await this.#steps.apply(id, change, unknown, { ...options, from })
    return { review: toReview(changed.attempt, claim, now(), keys), changed }
  }

  /** Checks the binding on the same read that the transition is decided on. */
  async #applyOwn(id: string, browserHash: string, event: (own: Attempt) => AttemptEvent): Promise<Attempt> {
    const change = (stored: Attempt) => this.#transition(stored, event(checkOwn(stored, browserHash)))
    const { attempt } = await this.#steps.apply(id, change, () => new ProtocolError('not_found'))
    return attempt
  }

  #transition(stored: Attempt, event: AttemptEvent): Change {
    return transition(stored, event, this.#options.now(), this.#options.lifetimes)
  }
}

/** The attempt that a claim names. Whether the claim is genuine is checked by `#decide`. */
function attemptIdOf(claim: string): string | undefined {
  const id = claim.slice(0, ATTEMPT_ID_CHARS)
  return ATTEMPT_ID.test(id) ? id : undefined
}

function checkOwn(attempt: Attempt, browserHash: string): Attempt {
  if (attempt.computer.browserHash !== browserHash) throw new ProtocolError('not_found')
  return attempt
}

/** A claim, and the attempt that it is for. */
interface Claimed {
  claim: string
  id: string
}
