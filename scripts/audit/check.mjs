// What a check is, and how it says what it found.
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

/** The deployment deserves to fail. */
export class Flaw extends Error {}

/** It cannot be judged here, and why. */
export class Skip extends Error {}

/**
 * A rate limit answered in place of what was tested: the check has to be run again, once that limit
 * is over.
 */
export class Limited extends Error {
  /** @param {Answer} answer a 429 */
  constructor(answer) {
    super('a rate limit answered each time, in place of what was tested')
    this.seconds = retryAfterOf(answer)
  }
}

/**
 * Where only the status that lies behind a rate limit tells anything: a 429 throws `Limited`.
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
 * A refusal: a 4xx that sets no cookie. A 429 is none unless `statuses` has it, a 409 `too_soon`
 * never: each says when the request may succeed, not that it may not.
 * @param {Answer} answer
 * @param {string} what was tried
 * @param {number[]} [statuses] the ones that will do; any 4xx when not given
 */
export function holdRefused(answer, what, statuses) {
  const { status } = answer
  if (statuses?.includes(429) !== true) requireJudged(answer)
  hold(status >= 400 && status < 500, `${what} is answered with ${status}`)
  hold(answer.json?.code !== 'too_soon', `${what} is refused as too soon only`)
  hold(
    statuses === undefined || statuses.includes(status),
    `${what} is answered with ${status}, not ${statuses?.join(' or ')}`,
  )
  hold(
    answer.cookies.every((line) => /max-age=0/i.test(line)),
    `${what} is refused with a cookie`,
  )
}
