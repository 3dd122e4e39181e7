// What the checks share: fresh browsers, the people's phones, and whole sign-ins.
import { Browser, Phone } from './parties.mjs'

/**
 * @typedef {import('./wire.mjs').Answer} Answer
 * @typedef {import('./wire.mjs').Wire} Wire
 * @typedef {import('./parties.mjs').Credentials} Credentials
 * @typedef {{ computer: Browser, attempt: any, code: string }} Started
 * @typedef {Started & { phone: Phone, review: any }} Scanned
 * @typedef {Scanned & { ticket: string }} Confirmed
 * @typedef {Confirmed & { redeemed: Answer }} SignedIn
 */

export class Scene {
  /** How far the turns of the people are. */
  #turn = 0
  /** @type {Map<number, Promise<Phone>>} */
  #phones = new Map()

  /**
   * @param {Wire} wire
   * @param {string} origin
   * @param {Credentials[]} people
   */
  constructor(wire, origin, people) {
    this.wire = wire
    this.origin = origin
    this.people = people
    /** Every attempt that was started, for the checks of chance. @type {{ id: string, code: string }[]} */
    this.started = []
  }

  browser() {
    return new Browser(this.wire, this.origin)
  }

  /** The phone of the person whose turn it is, so that no one person's limits are used up. */
  async phone() {
    this.#turn += 1
    return await this.phoneOf(this.#turn % this.people.length)
  }

  /** @param {number} index */
  phoneOf(index) {
    const known = this.#phones.get(index)
    if (known !== undefined) return known
    const made = this.newPhone(index)
    this.#phones.set(index, made)
    return made
  }

  /**
   * Another phone of the same person, with a session of its own.
   * @param {number} index
   */
  async newPhone(index) {
    const phone = new Phone(this.wire, this.origin, /** @type {Credentials} */ (this.people[index]))
    await phone.signIn()
    return phone
  }

  /**
   * Somebody else's phone.
   * @param {Phone} phone
   */
  async otherThan(phone) {
    const index = this.people.indexOf(phone.credentials)
    return await this.phoneOf((index + 1) % this.people.length)
  }

  /** @returns {Promise<Started>} */
  async start(computer = this.browser()) {
    const answer = await computer.send('POST', '/api/qr', { body: {} })
    const attempt = this.#require(answer, 201, 'start')
    const code = String(attempt.code?.url ?? '').split('#')[1] ?? ''
    this.started.push({ id: attempt.id, code })
    return { computer, attempt, code }
  }

  /** @returns {Promise<Scanned>} */
  async scan(/** @type {Phone | undefined} */ by = undefined) {
    const phone = by ?? (await this.phone())
    const started = await this.start()
    const answer = await phone.send('POST', '/api/qr/scan', { body: { code: started.code } })
    return { ...started, phone, review: this.#require(answer, 200, 'scan') }
  }

  /** Scanned, with the number typed where one is asked for. @returns {Promise<Scanned>} */
  async match(/** @type {Phone | undefined} */ by = undefined) {
    const scanned = await this.scan(by)
    const { computer, attempt, review } = scanned
    if (review.match?.required) {
      const answer = await computer.send('POST', `/api/qr/${attempt.id}/match`, {
        body: { number: review.match.number },
      })
      this.#require(answer, 200, 'match')
    }
    return scanned
  }

  /** @returns {Promise<Confirmed>} */
  async confirm() {
    const scanned = await this.match()
    const { computer, attempt, phone, review } = scanned
    this.#require(await phone.send('POST', '/api/qr/confirm', { body: { claim: review.claim } }), 200, 'confirm')
    const { ticket } = this.#require(await computer.send('GET', `/api/qr/${attempt.id}`), 200, 'status')
    return { ...scanned, ticket: String(ticket) }
  }

  /** @returns {Promise<SignedIn>} */
  async signIn() {
    const confirmed = await this.confirm()
    const redeemed = await this.redeem(confirmed)
    this.#require(redeemed, 200, 'redeem')
    return { ...confirmed, redeemed }
  }

  /**
   * @param {Confirmed} confirmed
   * @param {Browser} [by]
   */
  redeem({ computer, attempt, ticket }, by = computer) {
    return by.send('POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket } })
  }

  /** What the computer sees now. @param {Started} started */
  async statusOf({ computer, attempt }) {
    return this.#require(await computer.send('GET', `/api/qr/${attempt.id}`), 200, 'status')
  }

  /**
   * @param {Answer} answer
   * @param {number} status
   * @param {string} step
   */
  #require(answer, status, step) {
    if (answer.status === status) return answer.json
    throw new Error(`${step} answered ${answer.status} instead of ${status}: ${answer.text.slice(0, 200)}`)
  }
}
