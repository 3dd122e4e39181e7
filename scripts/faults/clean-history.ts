import { type Attempt, attemptAt, createAttempt, type Lifetimes, type Phone } from '@/lib/core/attempt/attempt'
import { type AttemptEvent, transition } from '@/lib/core/attempt/transition'
import { isProtocolError } from '@/lib/core/errors'
import { statusOf } from '@/lib/http/problem'
import { Chance } from '@/test/support/chance'
import { ADA, COMPUTER, ID, KEYS, LIFETIMES, LIN, scanBy, T0 } from '@/test/support/fixtures'
import { type Facts, History, type Kind, type Operation } from './history'

/** The values of production. */
const PRODUCTION: Lifetimes = { ...LIFETIMES, confirmMinMs: 700 }
const PHONES: Record<string, Phone> = { ada: ADA, lin: LIN }
const KINDS: readonly Kind[] = [
  ...(['show', 'scan', 'scan', 'scan', 'match', 'match', 'confirm', 'confirm', 'confirm', 'redeem', 'redeem'] as const),
  ...(['redeem', 'cancel', 'leave', 'session', 'list', 'signOut', 'signOutFromPhone'] as const),
]
const OPERATIONS = 16
const UNTIL_MS = 4_000
const LONGEST_MS = 300

interface ServiceResponse {
  status: number
  code?: string
  facts?: Facts
}

/** A correct service: the real state machine behind one lock. */
class Service {
  #attempt: Attempt = createAttempt({ id: ID, keyId: KEYS[0].id, computer: COMPUTER }, T0, PRODUCTION)
  #session: 'none' | 'live' | 'ended' = 'none'
  readonly #matchDue: boolean

  constructor(matchDue: boolean) {
    this.#matchDue = matchDue
  }

  /** Null where the client could not send this: it has no claim or no session. */
  handle({ kind, client, known }: Operation, atMs: number): ServiceResponse | null {
    const now = T0 + atMs
    const phone = PHONES[client] ?? ADA
    const scanner = this.#attempt.status === 'pending' ? null : (this.#attempt.scan?.phone ?? null)
    switch (kind) {
      case 'show':
        return { status: 200, facts: this.#view(now) }
      case 'scan':
        return this.#step(scanBy(phone, { matchReasons: this.#matchDue ? ['policy'] : [] }), now)
      case 'match':
        return this.#step({ type: 'match', right: known.right === true }, now)
      case 'confirm':
        return this.#step({ type: 'confirm', phone, passkey: 'none' }, now)
      case 'cancel':
        if (scanner?.sessionId !== phone.sessionId) return null
        return this.#step({ type: 'cancel', phone }, now)
      case 'leave':
        return this.#step({ type: 'cancel', phone: null }, now, 204)
      case 'redeem':
        return this.#redeem(now)
      case 'session':
        return { status: 200, facts: { signedIn: this.#session === 'live' } }
      case 'list':
        return { status: 200, facts: { sessions: this.#session === 'live' ? ['S'] : [] } }
      default:
        return this.#signOut(kind)
    }
  }

  #redeem(now: number): ServiceResponse {
    const response = this.#step({ type: 'redeem', ticketRight: true, sessionId: 'S', maxTries: 5 }, now)
    if (response.status !== 200) return response
    if (this.#session === 'ended') return { status: 409, code: 'wrong_state' }
    this.#session = 'live'
    return { status: 200, facts: { session: 'S' } }
  }

  #signOut(kind: Kind): ServiceResponse | null {
    if (this.#session === 'none') return null
    const wasLive = this.#session === 'live'
    this.#session = 'ended'
    return kind === 'signOutFromPhone' && !wasLive ? { status: 404, code: 'not_found' } : { status: 204 }
  }

  #step(event: AttemptEvent, now: number, granted = 200): ServiceResponse {
    try {
      const outcome = transition(this.#attempt, event, now, PRODUCTION)
      this.#attempt = outcome.attempt
      if (outcome.refusal !== undefined) throw outcome.refusal
      if (outcome.revokes === undefined) return { status: granted, facts: granted === 204 ? {} : this.#view(now) }
      this.#session = 'ended'
      return { status: 200, facts: { status: 'revoked' } }
    } catch (error) {
      if (!isProtocolError(error)) throw error
      const { attemptsLeft } = error.facts
      return {
        status: statusOf(error.code),
        code: error.code,
        facts: attemptsLeft === undefined ? {} : { attemptsLeft },
      }
    }
  }

  #view(now: number): Facts {
    const attempt = attemptAt(this.#attempt, now)
    const { status, version } = attempt
    if (attempt.status !== 'scanned')
      return { status, version, ...('scan' in attempt ? { required: this.#matchDue } : {}) }
    return { status, version, required: this.#matchDue, attemptsLeft: attempt.scan.match.attemptsLeft }
  }
}

/**
 * What clients may receive from a correct service: any order, any overlap, lost responses, and 503s
 * with or without an effect.
 */
export function cleanHistory(seed: number): History {
  const chance = new Chance(seed)
  const history = new History()
  const matchDue = chance.happens(0.5)
  const service = new Service(matchDue)
  // Explains lost responses and 503s, and nothing else.
  history.addFault({ name: 'restart', from: 0, to: UNTIL_MS + LONGEST_MS, kills: true })
  const start = history.open({ client: 'computer', kind: 'start', attempt: ID, instance: 0, known: {} }, 0)
  Object.assign(start, { status: 201, answeredAt: 1, facts: { status: 'pending', version: 1 } })
  const drawn = Array.from({ length: OPERATIONS }, () => {
    const kind = chance.pick(KINDS)
    const isPhone = ['scan', 'confirm', 'cancel', 'list', 'signOutFromPhone'].includes(kind)
    const sentAt = 2 + chance.next() * UNTIL_MS
    const actsAt = sentAt + chance.next() * LONGEST_MS
    const known = kind === 'match' ? { right: chance.happens(0.6) } : kind === 'scan' ? { matchDue } : {}
    const client = isPhone ? chance.pick(['ada', 'ada', 'ada', 'lin']) : 'computer'
    return { kind, client, known, sentAt, actsAt, fate: chance.next(), restMs: chance.next() * LONGEST_MS }
  })
  for (const { kind, client, known, sentAt, actsAt, fate, restMs } of drawn.sort((a, b) => a.actsAt - b.actsAt)) {
    const operation = history.open({ client, kind, attempt: ID, instance: 0, known }, sentAt)
    const response = fate < 0.05 ? null : service.handle(operation, actsAt)
    if (response === null || fate < 0.1) Object.assign(operation, { failure: 'reset', failedAt: actsAt + restMs })
    else if (fate < 0.2) Object.assign(operation, { status: 503, answeredAt: actsAt + restMs })
    else Object.assign(operation, { code: null, ...response, answeredAt: actsAt + restMs })
  }
  return history
}
