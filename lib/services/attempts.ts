import {
  type Attempt,
  attemptAt,
  type Computer,
  createAttempt,
  isRunning,
  type Phone,
  type Redeemed,
  scannerOf,
} from '../attempt/attempt'
import { ATTEMPT_ID, ATTEMPT_ID_CHARS, codePeriodAt, isCodeAlive, parseCode, toAttemptId } from '../attempt/code'
import { ProtocolError } from '../attempt/errors'
import { isMatchRequired, isSameNetwork, type MatchPolicy } from '../attempt/risk'
import { encodeClaim, isMatchNumberOf, isTicketOf, parseClaim, sessionIdOf } from '../attempt/tokens'
import { type AttemptEvent, transition } from '../attempt/transition'
import { type AttemptView, type Review, toAttemptView, toReview, type ViewContext } from '../attempt/views'
import type { AttemptStep, Audit } from '../audit'
import type { Guard } from '../limits/limits'
import type { ComputerSession } from '../session/session'
import type { Change, Store, UpdateOptions } from '../store/store'

export interface AttemptsOptions extends ViewContext {
  store: Store
  audit: Audit
  matchPolicy: MatchPolicy
  now: () => number
  randomBytes: (size: number) => Buffer
}

/**
 * The life of an attempt: who asks is already known, each step is one pure transition. A browser is named by the hash
 * of its secret, a phone by its session; either without its binding gets the same answer as for an unknown id.
 */
export class Attempts {
  readonly #options: AttemptsOptions
  /** What ends each wait that is under way. */
  readonly #waits = new Set<() => void>()

  constructor(options: AttemptsOptions) {
    this.#options = options
  }

  async start(computer: Computer, guard: Guard): Promise<AttemptView> {
    const { store, lifetimes, now, randomBytes } = this.#options
    const attempt = createAttempt({ id: toAttemptId(randomBytes(12)), computer }, now(), lifetimes)
    await store.insertAttempt(attempt, guard)
    this.#tell('started', attempt)
    return this.view(attempt)
  }

  /** @throws ProtocolError `not_found` for an unknown id and for another browser's attempt alike. */
  async requireOwn(id: string, browserHash: string): Promise<Attempt> {
    const attempt = await this.#options.store.findAttempt(id)
    if (attempt === null) throw new ProtocolError('not_found')
    return checkOwn(attempt, browserHash)
  }

  view(attempt: Attempt): AttemptView {
    return toAttemptView(attempt, this.#options.now(), this.#options)
  }

  /** Changes with the version and with the code. Weak (RFC 9110, section 8.8.1): the countdown is in neither. */
  etagOf(stored: Attempt): string {
    const attempt = attemptAt(stored, this.#options.now())
    if (attempt.status !== 'pending') return `W/"${attempt.version}"`
    const { startsAt } = codePeriodAt(attempt.createdAt, this.#options.now(), this.#options.lifetimes.codePeriodMs)
    return `W/"${attempt.version}-${startsAt - attempt.createdAt}"`
  }

  /** What a code leads to, as it is now; null for one that is not ours. To be read while it is found out who asks. */
  async peekByCode(code: string | undefined): Promise<Attempt | null> {
    const parsed = code === undefined ? null : parseCode(this.#options.keys, code)
    return parsed === null ? null : await this.#options.store.findAttempt(parsed.attemptId)
  }

  /** What a claim speaks of. Whether it is a claim, and whose, is for `confirm` to judge. */
  async peekByClaim(claim: string | undefined): Promise<Attempt | null> {
    const id = claim?.slice(0, ATTEMPT_ID_CHARS) ?? ''
    return ATTEMPT_ID.test(id) ? await this.#options.store.findAttempt(id) : null
  }

  /** Whether this person has signed in from the attempt's browser before. Asked only where a scan can still depend on it. */
  async isKnown(phone: Phone, found: Attempt | null): Promise<boolean> {
    if (found?.status !== 'pending') return false
    const { store, now } = this.#options
    return await store.isKnownBrowser(phone.person.id, found.computer.browserHash, now())
  }

  /** `found`: by `peekByCode`. `network`: see `networkOf`; null when the phone's address is unknown. */
  async scan(phone: Phone, code: string, { found, known, network }: Scanning): Promise<Review> {
    const { keys, lifetimes, matchPolicy, now } = this.#options
    const parsed = parseCode(keys, code)
    if (parsed === null) throw new ProtocolError('code_unknown')
    const codeAlive = isCodeAlive(parsed.startsAt, now(), lifetimes.codePeriodMs)
    const unknown = () => new ProtocolError(codeAlive ? 'code_unknown' : 'code_expired')
    if (found === null) throw unknown()
    const sameNetwork = isSameNetwork(found.computer.network, network)
    const matchRequired = isMatchRequired(matchPolicy, { sameNetwork, known })
    const event: AttemptEvent = { type: 'scan', phone, codeAlive, sameNetwork, known, matchRequired }
    const change = (stored: Attempt) => this.#transition(stored, event)
    const attempt = await this.#apply(parsed.attemptId, change, unknown, { from: found })
    return toReview(attempt, encodeClaim(keys, attempt.id, phone), now(), keys)
  }

  async match(id: string, browserHash: string, number: string): Promise<AttemptView> {
    const right = isMatchNumberOf(this.#options.keys, id, number)
    return this.view(await this.#applyOwn(id, browserHash, { type: 'match', right }))
  }

  /** `from`: by `peekByClaim`. */
  async confirm(phone: Phone, claim: string, guard: Guard, from: Attempt | null): Promise<Review> {
    return await this.#decide(phone, claim, { type: 'confirm', phone }, { guard, from })
  }

  async cancelByPhone(phone: Phone, claim: string): Promise<Review> {
    return await this.#decide(phone, claim, { type: 'cancel', by: 'phone' })
  }

  async cancelByComputer(id: string, browserHash: string): Promise<void> {
    await this.#applyOwn(id, browserHash, { type: 'cancel', by: 'computer' })
  }

  /**
   * The session that the attempt leads to begins with this step. `begun` is null for a repeat within 10 s, whose session began before,
   * and may have ended since. `begin` makes the session; it may be asked more than once.
   */
  async redeem({ id, browserHash, ticket, guard, begin }: Redeeming): Promise<Begun> {
    const { keys } = this.#options
    const sessionId = sessionIdOf(keys, id)
    const event: AttemptEvent = { type: 'redeem', ticketRight: isTicketOf(keys, id, ticket), sessionId }
    let begun: ComputerSession | null = null
    const change = (stored: Attempt): Change => {
      const outcome = this.#transition(checkOwn(stored, browserHash), event)
      begun = null
      if (outcome.attempt === stored || outcome.attempt.status !== 'redeemed') return outcome
      const begins = begin(outcome.attempt)
      begun = begins.session
      return { ...outcome, begins }
    }
    await this.#apply(id, change, () => new ProtocolError('not_found'), { guard })
    return { sessionId, begun }
  }

  /**
   * Resolves with the attempt once its version is higher than `after`, a new code is due, or its time runs out; null
   * when nothing of that happened within `waitMs`, or the signal aborted.
   */
  async waitForChange(id: string, browserHash: string, after: number, wait: WaitOptions): Promise<AttemptView | null> {
    const { store, now, lifetimes } = this.#options
    let wake = () => {}
    const changed = new Promise<void>((resolve) => {
      wake = resolve
    })
    const unwatch = store.watchAttempt(id, wake)
    wait.signal.addEventListener('abort', wake, { once: true })
    this.#waits.add(wake)
    let timer: ReturnType<typeof setTimeout> | undefined
    try {
      const first = attemptAt(await this.requireOwn(id, browserHash), now())
      if (first.version > after) return this.view(first)
      if (!isRunning(first)) return null
      const { endsAt } = codePeriodAt(first.createdAt, now(), lifetimes.codePeriodMs)
      const dueAt = first.status === 'pending' ? Math.min(endsAt, first.expiresAt) : first.expiresAt
      const dueMs = dueAt - now()
      timer = setTimeout(wake, Math.min(wait.waitMs, dueMs))
      await changed
      const last = attemptAt(await this.requireOwn(id, browserHash), now())
      return last.version > after || dueMs <= wait.waitMs ? this.view(last) : null
    } finally {
      clearTimeout(timer)
      wait.signal.removeEventListener('abort', wake)
      this.#waits.delete(wake)
      unwatch()
    }
  }

  /** How many wait for a change. */
  get waiting(): number {
    return this.#waits.size
  }

  /** Ends every wait at once: the process is about to end. */
  endWaits(): void {
    for (const wake of [...this.#waits]) wake()
  }

  async #decide(phone: Phone, claim: string, event: AttemptEvent, options: UpdateOptions = {}): Promise<Review> {
    const { keys, now } = this.#options
    const unknown = () => new ProtocolError('claim_unknown')
    // An id that is nobody's, for a claim that is not ours: counted and refused like any other.
    const id = parseClaim(keys, claim, phone) ?? ''
    const from = options.from?.id === id ? options.from : null
    const change = (stored: Attempt) => this.#transition(stored, event)
    const attempt = await this.#apply(id, change, unknown, { ...options, from })
    return toReview(attempt, claim, now(), keys)
  }

  /** Checks the binding on the same read that the transition is decided on. */
  async #applyOwn(id: string, browserHash: string, event: AttemptEvent): Promise<Attempt> {
    const change = (stored: Attempt) => this.#transition(checkOwn(stored, browserHash), event)
    return await this.#apply(id, change, () => new ProtocolError('not_found'))
  }

  async #apply(
    id: string,
    change: (stored: Attempt) => Change,
    unknown: () => ProtocolError,
    options: UpdateOptions = {},
  ): Promise<Attempt> {
    let before: Attempt | undefined
    const decide = (stored: Attempt) => {
      before = stored
      return change(stored)
    }
    const outcome = await this.#options.store.updateAttempt(id, decide, options)
    if (outcome === null) throw unknown()
    const { attempt } = outcome
    if (before !== undefined && attempt !== before) this.#tell(stepBetween(before, attempt), attempt)
    if (outcome.refusal !== undefined) throw outcome.refusal
    return attempt
  }

  #tell(step: AttemptStep, attempt: Attempt): void {
    const { id, version } = attempt
    const phone = scannerOf(attempt)
    const who = phone === null ? {} : { person: phone.person.id, phone: phone.sessionId }
    this.#options.audit({ event: `attempt.${step}`, attempt: id, version, ...who })
  }

  #transition(stored: Attempt, event: AttemptEvent): Change {
    return transition(stored, event, this.#options.now(), this.#options.lifetimes)
  }
}

/** A transition that leaves the status as it is was a number that was typed. */
function stepBetween(before: Attempt, after: Attempt): AttemptStep {
  if (after.status !== before.status && after.status !== 'pending' && after.status !== 'expired') return after.status
  return after.status === 'scanned' && after.scan.match.passed ? 'match_passed' : 'match_wrong'
}

function checkOwn(attempt: Attempt, browserHash: string): Attempt {
  if (attempt.computer.browserHash !== browserHash) throw new ProtocolError('not_found')
  return attempt
}

/** What is known of a scan before it is made. */
interface Scanning {
  found: Attempt | null
  known: boolean
  network: string | null
}

/** What a redeem leads to. */
export interface Begun {
  sessionId: string
  begun: ComputerSession | null
}

interface Redeeming {
  id: string
  browserHash: string
  ticket: string
  guard: Guard
  begin: (attempt: Redeemed) => NonNullable<Change['begins']>
}

interface WaitOptions {
  waitMs: number
  signal: AbortSignal
}
