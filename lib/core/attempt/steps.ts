import type { AttemptStep, Audit } from '../audit'
import type { ProtocolError } from '../errors'
import type { Change, Store } from '../store'
import { type AppliedChange, type UpdateOptions, updateAttempt } from '../update-attempt'
import { type Attempt, scannerOf } from './attempt'

export interface AttemptStepsOptions {
  store: Store
  audit: Audit
  /** Called with each step of an attempt, as it is after it. */
  onStep: (step: AttemptStep, attempt: Attempt) => void
}

/** Writes changes of attempts, and records each step in the audit log. */
export class AttemptSteps {
  readonly #options: AttemptStepsOptions

  constructor(options: AttemptStepsOptions) {
    this.#options = options
  }

  /**
   * Applies `change` to the stored attempt and records the step. A cancelled attempt is confirmed
   * to be durable before this resolves.
   * @throws what `unknown` returns when there is no such attempt; the refusal of the change, after
   * its write; what `updateAttempt` throws.
   */
  async apply(
    id: string,
    change: (stored: Attempt) => Change,
    unknown: () => ProtocolError,
    options: UpdateOptions = {},
  ): Promise<AppliedChange> {
    let before: Attempt | undefined
    const decide = (stored: Attempt) => {
      before = stored
      return change(stored)
    }
    const changed = await updateAttempt(this.#options.store, id, decide, options)
    if (changed === null) throw unknown()
    const step = before === undefined ? null : stepBetween(before, changed.attempt)
    if (step !== null) this.record(step, changed.attempt)
    // Also when nothing has changed: the durability of the earlier cancel may be unconfirmed.
    if (changed.attempt.status === 'cancelled') await this.#options.store.confirmDurable('ending')
    if (changed.refusal !== undefined) throw changed.refusal
    return changed
  }

  /** Reports a step that has been written. */
  record(step: AttemptStep, attempt: Attempt): void {
    const { id, version, app } = attempt
    const phone = scannerOf(attempt)
    const who = phone === null ? {} : { person: phone.person.id, phone: phone.sessionId }
    this.#options.onStep(step, attempt)
    this.#options.audit({ event: `attempt.${step}`, attempt: id, version, ...who, ...nameOf(app) })
  }
}

/** An app as the audit log names it. Nothing for our own home page. */
export function nameOf(app: { clientId: string | null; host: string | null } | undefined): { app?: string } {
  const name = app?.clientId ?? app?.host ?? null
  return name === null ? {} : { app: name }
}

/**
 * The name of the transition in the audit log; null for none. A step that leaves the status as it
 * is was a number or a ticket.
 */
function stepBetween(before: Attempt, after: Attempt): AttemptStep | null {
  if (after === before || after.status === 'pending' || after.status === 'expired') return null
  if (after.status !== before.status) return after.status
  if (after.status === 'scanned') return after.scan.match.passed ? 'match_passed' : 'match_wrong'
  return after.status === 'confirmed' ? 'ticket_wrong' : null
}
