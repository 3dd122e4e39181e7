// What a check is, and how it reports its result.
import { retryAfterOf } from './wire.mjs'

/**
 * @typedef {import('./scene.mjs').Scene} Scene
 * @typedef {import('./wire.mjs').Answer} Answer
 * @typedef {'F1' | 'F2' | 'F3' | 'F4' | 'F5' | 'F6'} FlawName
 * @typedef {{
 *   id: string,
 *   title: string,
 *   flaws?: FlawName[],
 *   mitigations?: string[],
 *   run: (scene: Scene) => Promise<void>,
 * }} Check
 */

/** The deployment has a flaw. */
export class Flaw extends Error {}

/** It cannot be checked here; the reason is its message. */
export class Skip extends Error {}

/**
 * A rate limit refused a request of the check: the check has to be run again after the retry delay.
 */
export class Limited extends Error {
  /** @param {Answer} answer a 429 */
  constructor(answer) {
    super('a rate limit refused a request of the check each time')
    this.seconds = retryAfterOf(answer)
  }
}

/**
 * For a check that needs the status without the rate limit: a 429 throws `Limited`.
 * @param {Answer} answer
 */
export function requireJudged(answer) {
  if (answer.status === 429) throw new Limited(answer)
  return answer
}

/**
 * @param {boolean} holds
 * @param {string} otherwise what is wrong when it does not
 */
export function hold(holds, otherwise) {
  if (!holds) throw new Flaw(otherwise)
}

/**
 * Requires a refusal: a 4xx that sets no cookie. A 429 counts only if `statuses` contains it, a 409
 * `too_soon` never: both mean that the request may succeed later.
 * @param {Answer} answer
 * @param {string} what was tried
 * @param {number[]} [statuses] the accepted ones; any 4xx if not given
 */
export function holdRefused(answer, what, statuses) {
  const { status } = answer
  if (statuses?.includes(429) !== true) requireJudged(answer)
  hold(status >= 400 && status < 500, `${what} is answered with ${status}`)
  hold(answer.json?.code !== 'too_soon', `${what} is refused only as too soon`)
  hold(
    statuses === undefined || statuses.includes(status),
    `${what} is answered with ${status}, not ${statuses?.join(' or ')}`,
  )
  hold(
    answer.cookies.every((line) => /max-age=0/i.test(line)),
    `${what} is refused with a cookie`,
  )
}
