// What the checks share: new browsers, the people's phones, and complete sign-ins.
import { Skip } from './check.mjs'
import { Browser, Phone, scansOf } from './parties.mjs'
import { pause, retryAfterOf } from './wire.mjs'

/**
 * @typedef {import('./wire.mjs').Answer} Answer
 * @typedef {import('./wire.mjs').Wire} Wire
 * @typedef {import('./parties.mjs').Credentials} Credentials
 * @typedef {{ computer: Browser, attempt: any, code: string }} Started
 * @typedef {Started & { phone: Phone, review: any, scannedAt: number, scanMs: number }} Scanned
 * @typedef {Scanned & { ticket: string }} Confirmed
 * @typedef {Confirmed & { redeemed: Answer }} SignedIn
 * @typedef {{ phones: Map<number, Promise<Phone>>, started: { id: string, code: string }[] }}
 * Shared
 */

/**
 * A confirm sooner than 700 ms after the scan is refused (`too_soon`), and counts against the
 * limit.
 */
const PACE_MS = 750

/** How often a confirm is sent where the deployment requires a longer pause than that. */
const PATIENT_TIMES = 3

/** The deployment for the checks of one person: each sign-in is that person's. */
export class Scene {
  /** @type {Shared} */
  #shared

  /**
   * @param {Wire} wire
   * @param {string} origin
   * @param {Credentials[]} people
   * @param {number} [person] the index of the person
   * @param {Shared} [shared]
   */
  constructor(wire, origin, people, person = 0, shared = { phones: new Map(), started: [] }) {
    this.wire = wire
    this.origin = origin
    this.people = people
    this.person = person
    this.#shared = shared
  }

  /**
   * The same for another person. Checks of different people can run at the same time, also where a
   * sign-in ends the person's other computers.
   * @param {number} person
   */
  as(person) {
    return new Scene(this.wire, this.origin, this.people, person, this.#shared)
  }

  /** How often this person has scanned. */
  get scans() {
    return scansOf(/** @type {Credentials} */ (this.people[this.person]))
  }

  /** Every attempt that was started, for the checks of randomness. */
  get started() {
    return this.#shared.started
  }

  browser() {
    return new Browser(this.wire, this.origin)
  }

  phone() {
    return this.phoneOf(this.person)
  }

  /** @param {number} index */
  phoneOf(index) {
    const { phones } = this.#shared
    const known = phones.get(index)
    if (known !== undefined) return known
    const created = this.newPhone(index)
    phones.set(index, created)
    return created
  }

  /** The index of a person whose phone has a cookie: this person, if possible. */
  requireCookiePerson() {
    const order = [this.person, ...this.people.keys()]
    const found = order.find((index) => 'username' in (this.people[index] ?? {}))
    if (found === undefined) throw new Skip('no person of the configuration signs in with a name and a password')
    return found
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
   * Another person's phone.
   * @param {Phone} phone
   */
  async otherThan(phone) {
    const index = this.people.indexOf(phone.credentials)
    return await this.phoneOf((index + 1) % this.people.length)
  }

  /**
   * @param {Browser} [computer]
   * @param {Record<string, string>} [headers]
   * @returns {Promise<Started>}
   */
  async start(computer = this.browser(), headers = {}) {
    const answer = await computer.send('POST', '/api/qr', { body: {}, headers })
    const attempt = this.#require(answer, 201, 'start')
    const code = String(attempt.code?.url ?? '').split('#')[1] ?? ''
    this.started.push({ id: attempt.id, code })
    return { computer, attempt, code }
  }

  /** @returns {Promise<Scanned>} */
  async scan(/** @type {Phone | undefined} */ by = undefined) {
    const phone = by ?? (await this.phone())
    const started = await this.start()
    const answer = await phone.send('POST', '/api/qr/scan', { body: { code: started.code }, impatient: true })
    if (answer.status === 429) {
      // The code expires before the rate limit ends: a new one is needed.
      await this.wire.waitFor(retryAfterOf(answer), 'a scan')
      return await this.scan(by)
    }
    const review = this.#require(answer, 200, 'scan')
    return { ...started, phone, review, scannedAt: performance.now(), scanMs: answer.ms }
  }

  /** Scanned, with the number typed if one is required. @returns {Promise<Scanned>} */
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

  /** Resolves when a confirm is no longer too soon. @param {Scanned} scanned */
  async untilReadable({ scannedAt }) {
    await pause(Math.max(0, scannedAt + PACE_MS - performance.now()))
  }

  /** Confirms, once it is no longer too soon. @param {Scanned} scanned */
  async approve(scanned) {
    await this.untilReadable(scanned)
    for (let time = 1; ; time += 1) {
      const answer = await scanned.phone.send('POST', '/api/qr/confirm', { body: { claim: scanned.review.claim } })
      if (answer.json?.code !== 'too_soon' || time === PATIENT_TIMES) return answer
      await pause(retryAfterOf(answer) * 1000)
    }
  }

  /** @returns {Promise<Confirmed>} */
  async confirm(/** @type {Phone | undefined} */ by = undefined) {
    const scanned = await this.match(by)
    const { computer, attempt } = scanned
    this.#require(await this.approve(scanned), 200, 'confirm')
    const { ticket } = this.#require(await computer.send('GET', `/api/qr/${attempt.id}`), 200, 'status')
    return { ...scanned, ticket: String(ticket) }
  }

  /** @returns {Promise<SignedIn>} */
  async signIn(/** @type {Phone | undefined} */ by = undefined) {
    const confirmed = await this.confirm(by)
    const redeemed = await this.redeem(confirmed)
    this.#require(redeemed, 200, 'redeem')
    return { ...confirmed, redeemed }
  }

  /**
   * Impatient: a ticket expires before a rate limit ends.
   * @param {Confirmed} confirmed
   * @param {Browser} [by]
   */
  redeem({ computer, attempt, ticket }, by = computer) {
    return by.send('POST', `/api/qr/${attempt.id}/redeem`, { body: { ticket }, impatient: true })
  }

  /** The view of the computer. @param {Started} started */
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
    throw new Error(`the response to ${step} is ${answer.status} instead of ${status}: ${answer.text.slice(0, 200)}`)
  }
}
