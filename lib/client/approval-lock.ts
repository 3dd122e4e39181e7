import type { PasskeyAssertion } from '../core/account/passkey'
import type { Review } from '../core/attempt/views'
import type { Refused } from './api'
import type { ApprovalBrowser } from './approval-browser'
import type { LockProblem, LockStep, ReviewScreen } from './approval-screen'
import { addPasskey } from './passkey-requests'

/** Steps with a button that opens the browser's dialog. */
const WITH_DIALOG: readonly LockStep[] = ['passkey', 'may_add', 'must_add']

/**
 * The passkey part of the review: signs the challenge of a review, adds a passkey, and keeps why
 * the last try failed. A challenge is used once: the review of another scan has a new one.
 */
export class ApprovalLock {
  readonly #browser: ApprovalBrowser
  #problem: LockProblem | null = null
  #shown: LockStep = 'tap'

  constructor(browser: ApprovalBrowser) {
    this.#browser = browser
  }

  /** To be called for each try, and for each code. */
  forgetProblem(): void {
    this.#problem = null
  }

  screenOf(review: Review): ReviewScreen {
    const lock = this.#stepOf(review)
    if (WITH_DIALOG.includes(lock)) this.#browser.preloadPasskeys()
    const isAddProblem = this.#problem === 'not_added' || this.#problem === 'add_failed'
    // The response was lost: the passkey was added after all.
    if (isAddProblem && lock === 'passkey' && this.#shown !== 'passkey') this.forgetProblem()
    this.#shown = lock
    return { review, lock, problem: this.#problem }
  }

  /** Returns undefined if a tap confirms the review, and null if it is not confirmed. */
  async sign({ review, lock }: ReviewScreen): Promise<PasskeyAssertion | undefined | null> {
    if (lock !== 'passkey' || review.passkey === undefined) return undefined
    const passkey = await this.#browser.signWithPasskey(review.passkey)
    if (typeof passkey !== 'string') return passkey
    this.#problem = passkey === 'cancelled' ? 'not_confirmed' : 'failed'
    return null
  }

  async add(): Promise<void> {
    const { call, createPasskey } = this.#browser
    const answer = await addPasskey(call, createPasskey)
    if (answer === 'cancelled') this.#problem = 'not_added'
    else if (typeof answer === 'string' || !answer.ok) this.#problem = 'add_failed'
  }

  /** Whether the confirm was refused for its passkey, or for having none. */
  isRefusal(code: Refused['code']): boolean {
    if (code === 'passkey_wrong') this.#problem = 'wrong'
    return code === 'passkey_wrong' || code === 'passkey_required'
  }

  #stepOf({ passkey, addPasskey }: Review): LockStep {
    const isRequired = passkey !== undefined || addPasskey === 'must'
    if (!isRequired && addPasskey === undefined) return 'tap'
    if (!this.#browser.canUsePasskeys()) return isRequired ? 'unable' : 'tap'
    if (passkey !== undefined) return 'passkey'
    return isRequired ? 'must_add' : 'may_add'
  }
}
