// Steady traffic: sign-ins in mixed forms, at a steady rate whatever becomes of those before.
import { addressOf, Computer, Phone } from './client.mjs'

/**
 * @typedef {import('./wire.mjs').Wire} Wire
 * @typedef {import('./wire.mjs').Answer} Answer
 * @typedef {import('./chance.mjs').Chance} Chance
 * @typedef {{ computer: Computer, phone: Phone }} Pair
 */

/** A client repeats a step for this long; then its person has gone. */
const REPEAT_FOR_MS = 12_000
/**
 * Between two tries, with full jitter over a range that doubles: clients that lost a process do not
 * come back as one.
 */
const [LEAST_PAUSE_MS, MOST_PAUSE_MS] = [500, 4_000]
/** Sooner, a confirm is refused. */
const READ_MS = 720
const TICK_MS = 50
const AUDIT_MS = 40_000
const AUDITORS = 8

const pause = (/** @type {number} */ ms) => new Promise((wake) => setTimeout(wake, ms))

/** The forms that a sign-in takes, and how often each is taken. */
const FORMS = {
  complete: 3,
  doubled: 1,
  rivals: 1,
  declined: 1,
  left: 1,
  raced: 1,
  'wrong then right': 1,
  'wrong twice': 1,
  'without the number': 1,
  'given up': 1,
  'signed out here': 1,
  'signed out from the phone': 1,
  'signed out everywhere': 1,
  'signed out everywhere before the end': 1,
  'not me': 1,
}

/** @typedef {keyof typeof FORMS} Form */

const DRAWN = /** @type {[Form, number][]} */ (Object.entries(FORMS)).flatMap(([form, times]) =>
  Array(times).fill(form),
)

export class Traffic {
  /** @type {Set<Promise<Pair>>} */
  #running = new Set()
  /** @type {ReturnType<typeof setInterval> | null} */
  #timer = null
  #clients = 0
  /** @type {Pair[]} */
  started = []

  /**
   * @param {Wire} wire
   * @param {Chance} chance
   * @param {{ perSecond: number, codePeriodMs?: number }} options
   */
  constructor(wire, chance, { perSecond, codePeriodMs = 30_000 }) {
    this.wire = wire
    this.chance = chance
    this.perSecond = perSecond
    this.codePeriodMs = codePeriodMs
  }

  begin() {
    const startedAt = performance.now()
    let begun = 0
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedAt) * this.perSecond) / 1_000)
      // A machine that was busy for a while does not make up for it all at once.
      for (begun = Math.max(begun, due - this.perSecond); begun < due; begun += 1) {
        const run = this.signIn(this.chance.pick(DRAWN)).finally(() => this.#running.delete(run))
        this.#running.add(run)
      }
    }, TICK_MS)
  }

  /** No further ones; resolves when those under way are over. */
  async end() {
    if (this.#timer !== null) clearInterval(this.#timer)
    await Promise.all(this.#running)
  }

  /**
   * Afterwards, when all is quiet: what has become of each.
   * @returns {Promise<number>} how many could not be asked any more
   */
  async audit() {
    const until = performance.now() + AUDIT_MS
    const left = [...this.started]
    const worker = async () => {
      for (let next = left.pop(); next !== undefined && performance.now() < until; next = left.pop()) {
        const { computer, phone } = next
        if (computer.attempt === null) continue
        await this.#persist(() => computer.show(), until)
        // Without the cookie it says nothing about the session.
        if (computer.session !== null) await this.#persist(() => computer.readSession(), until)
        await this.#persist(() => phone.list(computer), until)
      }
    }
    await Promise.all(Array.from({ length: AUDITORS }, worker))
    return left.length
  }

  /**
   * A fresh computer and the phone of a person that nobody else is.
   * @param {boolean} isNear both in one network
   */
  pair(isNear) {
    this.#clients += 1
    const number = this.#clients
    const address = addressOf(number, 18)
    const computer = new Computer(this.wire, `computer ${number}`, address, this.codePeriodMs)
    const phone = new Phone(this.wire, `phone ${number}`, isNear ? address : addressOf(number, 19))
    const pair = { computer, phone }
    this.started.push(pair)
    return pair
  }

  /** Resolves when it is over. @param {Form} form */
  async signIn(form) {
    const needsNumber = ['wrong then right', 'wrong twice', 'without the number'].includes(form)
    const pair = this.pair(!needsNumber && this.chance.happens(0.7))
    await this.#walk(form, pair)
    return pair
  }

  /** @param {Form} form @param {Pair} pair */
  async #walk(form, { computer, phone }) {
    if (!(await this.#ok(() => computer.start()))) return
    if (form === 'given up' && this.chance.happens(0.5)) return
    if (!(await this.#scan(form, computer, phone))) return
    if (form === 'given up') return
    if (form === 'left') return void (await this.#ok(() => computer.leave()))
    if (!(await this.#match(form, computer, phone))) return
    await pause(READ_MS)
    if (form === 'declined') {
      await this.#ok(() => phone.cancel(computer))
      return void (await phone.confirm(computer))
    }
    if (!(await this.#twice(form, () => phone.confirm(computer)))) return
    if (!(await this.#ok(() => computer.show())) || computer.ticket === null) return
    if (form === 'signed out everywhere before the end') await this.#ok(() => phone.signOutAll(computer))
    if (form === 'raced') {
      const by = this.chance.happens(0.5) ? () => phone.cancel(computer) : () => computer.leave()
      await Promise.all([this.#ok(() => computer.redeem()), this.#ok(by)])
      return
    }
    if (!(await this.#twice(form, () => computer.redeem()))) return
    await this.#ok(() => computer.readSession())
    await this.#signOut(form, computer, phone)
  }

  /**
   * Whose scan it was in the end is in the history.
   * @param {Form} form
   * @param {Computer} computer
   * @param {Phone} phone
   */
  async #scan(form, computer, phone) {
    if (form !== 'rivals') return await this.#twice(form, () => phone.scan(computer))
    this.#clients += 1
    const rival = new Phone(this.wire, `rival ${this.#clients}`, phone.address)
    const [isOurs] = await Promise.all([this.#ok(() => phone.scan(computer)), this.#ok(() => rival.scan(computer))])
    return isOurs
  }

  /**
   * Types the number, where one is asked for.
   * @param {Form} form
   * @param {Computer} computer
   * @param {Phone} phone
   */
  async #match(form, computer, phone) {
    const { number } = phone
    if (number === null) return true
    if (form === 'without the number') {
      await pause(READ_MS)
      await this.#ok(() => phone.confirm(computer))
    }
    const wrong = number === '10' ? '11' : '10'
    const wrongs = form === 'wrong twice' ? 2 : form === 'wrong then right' ? 1 : 0
    for (let time = 0; time < wrongs; time += 1) await computer.match(wrong, false)
    return await this.#ok(() => computer.match(number, true))
  }

  /** @param {Form} form @param {Computer} computer @param {Phone} phone */
  async #signOut(form, computer, phone) {
    /** @type {Partial<Record<Form, () => Promise<Answer>>>} */
    const ways = {
      'signed out here': () => computer.signOut(),
      'signed out from the phone': () => phone.signOut(computer),
      'signed out everywhere': () => phone.signOutAll(computer),
      'not me': () => phone.cancel(computer),
    }
    const way = ways[form]
    if (way === undefined) return
    await this.#ok(way)
    await computer.readSession()
  }

  /** @param {Form} form @param {() => Promise<Answer>} send */
  async #twice(form, send) {
    if (form !== 'doubled') return await this.#ok(send)
    const [first, second] = await Promise.all([this.#ok(send), this.#ok(send)])
    return first || second
  }

  /** @param {() => Promise<Answer>} send @returns {Promise<boolean>} whether it was granted */
  async #ok(send) {
    const { status } = await this.#persist(send)
    return status !== null && status >= 200 && status < 300
  }

  /** Repeats what got no answer, or a 5xx. @param {() => Promise<Answer>} send */
  async #persist(send, until = performance.now() + REPEAT_FOR_MS) {
    for (let time = 0; ; time += 1) {
      const { operation } = await send()
      const isOver = operation.status !== null && operation.status < 500
      if (isOver || performance.now() > until) return operation
      const range = Math.min(MOST_PAUSE_MS, LEAST_PAUSE_MS * 2 ** time)
      await pause(LEAST_PAUSE_MS + this.chance.next() * range)
    }
  }
}
