import { isProtocolError, ProtocolError } from '../errors'
import { keysNamed } from '../keys'
import type { Limiter } from '../rate-limit/limiter'
import type { RateLimitKey } from '../rate-limit/limits'
import type { Store } from '../store'
import type { Attempt, Phone } from './attempt'
import { isCodeAlive, type ParsedCode, parseCode } from './code'
import type { ConfirmPolicyCheck } from './confirm-policy'
import { compareNetworks, type MatchPolicy, matchReasons } from './risk'
import { parseShortCode } from './short-code'
import type { ShortCodes } from './short-codes'
import type { AttemptSteps } from './steps'
import { encodeClaim } from './tokens'
import { transition } from './transition'
import { type Review, toReview, type ViewContext } from './views'

export interface ScansOptions extends ViewContext {
  store: Store
  limiter: Limiter
  matchPolicy: MatchPolicy
  now: () => number
}

/** The parts of `Attempts` that a scan uses. */
export interface ScanParts {
  steps: AttemptSteps
  confirmPolicy: ConfirmPolicyCheck
  shortCodes: ShortCodes
}

/** A code that was alive when the phone began to hold it. */
interface HeldCode {
  attemptId: string
  startsAt: null
}

/** What a phone scans: a code, a typed code, or the attempt whose code it holds. */
export type ScannedCode = { code: string } | { shortCode: string } | HeldCode

/** Where a scan comes from. */
export interface ScanOrigin {
  /** By `FindNetwork`. Null: the phone's address is unknown. */
  network: string | null
  /** What the client is counted by. */
  client: readonly RateLimitKey[]
}

/** An attempt that a phone has named, as it was read. */
interface FoundByCode {
  code: ParsedCode | HeldCode
  found: Attempt | null
  isTyped: boolean
  /** The person has signed in from the attempt's browser before. */
  known: boolean
}

/** Binds attempts to the phones that scan them. */
export class Scans {
  readonly #options: ScansOptions
  readonly #parts: ScanParts

  constructor(options: ScansOptions, parts: ScanParts) {
    this.#options = options
    this.#parts = parts
  }

  /** See `Attempts.scan`. */
  async scan(scanned: ScannedCode | ProtocolError, requester: Promise<Phone>, origin: ScanOrigin): Promise<Review> {
    if (!isProtocolError(scanned) && 'shortCode' in scanned)
      return await this.#scanTyped(scanned.shortCode, await requester, origin)
    const { keys, limiter } = this.#options
    const code = isProtocolError(scanned) || !('code' in scanned) ? null : scanned.code
    const parsed = code !== null ? parseCode(keys, code) : 'attemptId' in scanned ? scanned : null
    // Read while the phone is authenticated.
    const [phone, found] = await Promise.all([requester, this.#read(parsed?.attemptId)])
    const [known] = await Promise.all([this.#isKnown(phone, found), limiter.scan(phone.person.id)])
    if (isProtocolError(scanned)) throw scanned
    try {
      if (parsed === null) throw new ProtocolError('code_unknown')
      return await this.#bind(phone, { code: parsed, found, isTyped: false, known }, origin.network)
    } catch (error) {
      // A hold that has ended is no guess.
      if (code !== null && isProtocolError(error) && error.code === 'code_unknown')
        await limiter.unknownCode(phone.person.id)
      throw error
    }
  }

  async #scanTyped(typed: string, phone: Phone, { network, client }: ScanOrigin): Promise<Review> {
    await this.#options.limiter.scan(phone.person.id)
    const attemptId = await this.#findTyped(typed, phone, client)
    const found = await this.#read(attemptId)
    const known = await this.#isKnown(phone, found)
    return await this.#bind(phone, { code: { attemptId, startsAt: null }, found, isTyped: true, known }, network)
  }

  /** The limits come before the store: a person who is blocked does not learn which codes exist. */
  async #findTyped(typed: string, phone: Phone, client: readonly RateLimitKey[]): Promise<string> {
    const undoCount = await this.#options.limiter.shortCode(phone.person.id, client)
    const code = parseShortCode(typed)
    const attemptId = code === null ? null : await this.#parts.shortCodes.findAttemptId(code)
    if (attemptId === null) throw new ProtocolError('code_unknown')
    await undoCount()
    return attemptId
  }

  async #read(id: string | undefined): Promise<Attempt | null> {
    return id === undefined ? null : await this.#options.store.findAttempt(id)
  }

  /** Read only where a scan can still depend on it. */
  async #isKnown(phone: Phone, found: Attempt | null): Promise<boolean> {
    if (found?.status !== 'pending') return false
    const { store, now } = this.#options
    return await store.remembers(phone.person.id, found.computer.browserHash, now())
  }

  async #bind(phone: Phone, { code, found, isTyped, known }: FoundByCode, network: string | null): Promise<Review> {
    const { keys, lifetimes, matchPolicy, now } = this.#options
    const codeAlive = code.startsAt === null || isCodeAlive(code.startsAt, now(), lifetimes.codePeriodMs)
    const unknown = () => new ProtocolError(codeAlive ? 'code_unknown' : 'code_expired')
    if (found === null) throw unknown()
    const relation = compareNetworks(found.computer.network, network)
    // A device without a browser has no page to type the number on.
    const isDevice = found.app?.userCode !== undefined
    const reasons = isDevice ? [] : matchReasons(matchPolicy, { network: relation, known, isTyped })
    const sameNetwork = relation === 'same'
    const event = { type: 'scan', phone, codeAlive, sameNetwork, known, matchReasons: reasons } as const
    const change = (stored: Attempt) => transition(stored, event, now(), lifetimes)
    const { attempt } = await this.#parts.steps.apply(code.attemptId, change, unknown, { from: found })
    const claim = encodeClaim(keysNamed(keys, attempt.keyId), attempt.id, phone)
    return await this.#parts.confirmPolicy.addTo(toReview(attempt, claim, now(), keys), phone.person.id)
  }
}
