import { ProtocolError } from '../errors'
import { FullError } from '../rate-limit/limits'
import type { RecordStore, StoredRecord } from '../record-store'
import { type Attempt, attemptAt, type Lifetimes } from './attempt'
import { drawShortCode, formatShortCode } from './short-code'

/** What the computer gets. `expiresInMs`: the remaining time of the attempt. */
export interface ShortCodeView {
  shortCode: string
  expiresInMs: number
}

export interface ShortCodesOptions {
  store: RecordStore
  lifetimes: Lifetimes
  now: () => number
  randomBytes: (size: number) => Buffer
}

/**
 * The record from which a typed code leads to its attempt. `code`: 8 letters. `expiresAt`: later
 * than the end of the attempt, so that the phone that has scanned can repeat its scan.
 */
export function toShortCodeRecord(code: string, attemptId: string | null, expiresAt: number): StoredRecord {
  return { key: keyOf(code), data: JSON.stringify(attemptId), expiresAt, group: null }
}

/**
 * Short codes are records beside the attempt: at most two for each pending attempt, and none for an
 * attempt whose computer has not asked.
 */
export class ShortCodes {
  readonly #options: ShortCodesOptions

  constructor(options: ShortCodesOptions) {
    this.#options = options
  }

  /**
   * The code of a pending attempt. A repeat, also a concurrent one, gets the same code.
   * @throws ProtocolError `wrong_state`, `attempt_ended`; FullError if the store has no room.
   */
  async issue(stored: Attempt): Promise<ShortCodeView> {
    const now = this.#options.now()
    const attempt = attemptAt(stored, now)
    if (attempt.status === 'cancelled' || attempt.status === 'expired') throw new ProtocolError('attempt_ended')
    if (attempt.status !== 'pending') throw new ProtocolError('wrong_state')
    const { id, expiresAt } = attempt
    const code = (await this.#codeOf(id, now)) ?? (await this.#draw(id, expiresAt, now))
    return { shortCode: formatShortCode(code), expiresInMs: expiresAt - now }
  }

  /** The id of the attempt that a code leads to. Null: there is no such code. */
  async findAttemptId(code: string): Promise<string | null> {
    const record = await this.#options.store.findRecord(keyOf(code), this.#options.now())
    return record === null ? null : (JSON.parse(record.data) as string | null)
  }

  async #codeOf(attemptId: string, now: number): Promise<string | null> {
    const record = await this.#options.store.findRecord(keyOfAttempt(attemptId), now)
    return record === null ? null : (JSON.parse(record.data) as string)
  }

  async #draw(attemptId: string, expiresAt: number, now: number): Promise<string> {
    const { store, lifetimes, randomBytes } = this.#options
    const endsAt = expiresAt + lifetimes.confirmMs + lifetimes.ticketMs
    let code = drawShortCode(randomBytes)
    while (!(await store.insertRecord(toShortCodeRecord(code, attemptId, endsAt), now, 'unauthenticated')))
      code = drawShortCode(randomBytes)
    // Second, so that a failover never keeps it without the record above.
    const own = { key: keyOfAttempt(attemptId), data: JSON.stringify(code), expiresAt, group: null }
    try {
      if (await store.insertRecord(own, now, 'unauthenticated')) return code
    } catch (error) {
      if (error instanceof FullError) await store.removeRecord(keyOf(code))
      throw error
    }
    // A concurrent request was first.
    await store.removeRecord(keyOf(code))
    const first = await this.#codeOf(attemptId, now)
    if (first === null) throw new ProtocolError('attempt_ended')
    return first
  }
}

const keyOf = (code: string) => `short-code ${code}`
const keyOfAttempt = (attemptId: string) => `short-code-of ${attemptId}`
