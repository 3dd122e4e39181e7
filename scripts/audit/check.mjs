// What a check is, and how it says what it found.

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
 * @param {boolean} holds
 * @param {string} otherwise what is wrong when it does not
 */
export function hold(holds, otherwise) {
  if (!holds) throw new Flaw(otherwise)
}

/**
 * A refusal: a 4xx that sets no cookie.
 * @param {Answer} answer
 * @param {string} what was tried
 * @param {number[]} [statuses] the ones that will do; any 4xx when not given
 */
export function holdRefused(answer, what, statuses) {
  const { status } = answer
  hold(status >= 400 && status < 500, `${what} is answered with ${status}`)
  hold(
    statuses === undefined || statuses.includes(status),
    `${what} is answered with ${status}, not ${statuses?.join(' or ')}`,
  )
  hold(
    answer.cookies.every((line) => /max-age=0/i.test(line)),
    `${what} is refused with a cookie`,
  )
}
