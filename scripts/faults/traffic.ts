// Steady traffic: sign-ins in mixed variants, at a constant rate, independent of earlier outcomes.
import { setTimeout as pause } from 'node:timers/promises'
import type { Chance } from '../../test/support/chance'
import { addressOf, Computer, Phone } from './client'
import { isGranted, type Operation } from './history'
import type { HttpRecorder, Recorded } from './http-recorder'

interface Pair {
  computer: Computer
  phone: Phone
}

export interface TrafficOptions {
  perSecond: number
  codePeriodMs: number
}

/** A client repeats a step for this long, then gives up. */
const REPEAT_FOR_MS = 12_000
/**
 * Between two tries, with full jitter over a range that doubles: clients that lost a process do not
 * reconnect at the same moment.
 */
const [LEAST_PAUSE_MS, MOST_PAUSE_MS] = [500, 4_000]
/** An earlier confirm is refused. */
const READ_MS = 720
const TICK_MS = 50
const AUDIT_MS = 40_000
const AUDITORS = 8

/** The variants of a sign-in, and how often each is chosen. */
const VARIANTS = {
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

type Variant = keyof typeof VARIANTS

const CHOICES = (Object.entries(VARIANTS) as [Variant, number][]).flatMap(([variant, times]) =>
  Array<Variant>(times).fill(variant),
)

export class Traffic {
  readonly #http: HttpRecorder
  readonly #chance: Chance
  readonly #options: TrafficOptions
  readonly #running = new Set<Promise<Pair>>()
  readonly #started: Pair[] = []
  #timer: NodeJS.Timeout | null = null
  #clients = 0

  constructor(http: HttpRecorder, chance: Chance, options: TrafficOptions) {
    this.#http = http
    this.#chance = chance
    this.#options = options
  }

  begin(): void {
    const { perSecond } = this.#options
    const startedAt = performance.now()
    let begun = 0
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1_000)
      // After a busy time of the machine, at most one second of missed starts is made up for.
      for (begun = Math.max(begun, due - perSecond); begun < due; begun += 1) {
        const run = this.signIn(this.#chance.pick(CHOICES)).finally(() => this.#running.delete(run))
        this.#running.add(run)
      }
    }, TICK_MS)
  }

  /** Starts no further ones, and resolves when those in progress are over. */
  async end(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    await Promise.all(this.#running)
  }

  /**
   * Reads the final state of each attempt and session, once there is no other traffic. Returns how
   * many could not be read in time.
   */
  async audit(): Promise<number> {
    const until = performance.now() + AUDIT_MS
    const left = [...this.#started]
    const worker = async () => {
      for (let next = left.pop(); next !== undefined && performance.now() < until; next = left.pop()) {
        const { computer, phone } = next
        if (computer.attempt === null) continue
        await this.#persist(() => computer.show(), until)
        // Without the cookie, the response shows nothing about the session.
        if (computer.session !== null) await this.#persist(() => computer.readSession(), until)
        await this.#persist(() => phone.list(computer), until)
      }
    }
    await Promise.all(Array.from({ length: AUDITORS }, worker))
    return left.length
  }

  /** A new computer, and the phone of a new person. `isNear`: both in one network. */
  pair(isNear: boolean): Pair {
    this.#clients += 1
    const number = this.#clients
    const address = addressOf(number, 18)
    const computer = new Computer(this.#http, `computer ${number}`, address, this.#options.codePeriodMs)
    const phone = new Phone(this.#http, `phone ${number}`, isNear ? address : addressOf(number, 19))
    const pair = { computer, phone }
    this.#started.push(pair)
    return pair
  }

  /** Resolves when it is over. */
  async signIn(variant: Variant): Promise<Pair> {
    const needsNumber = ['wrong then right', 'wrong twice', 'without the number'].includes(variant)
    const pair = this.pair(!needsNumber && this.#chance.happens(0.7))
    await this.#walk(variant, pair)
    return pair
  }

  async #walk(variant: Variant, { computer, phone }: Pair): Promise<void> {
    if (!(await this.#ok(() => computer.start()))) return
    if (variant === 'given up' && this.#chance.happens(0.5)) return
    if (!(await this.#scan(variant, computer, phone))) return
    if (variant === 'given up') return
    if (variant === 'left') {
      await this.#ok(() => computer.leave())
      return
    }
    if (!(await this.#match(variant, computer, phone))) return
    await pause(READ_MS)
    if (variant === 'declined') {
      await this.#ok(() => phone.cancel(computer))
      await phone.confirm(computer)
      return
    }
    if (!(await this.#twice(variant, () => phone.confirm(computer)))) return
    if (!(await this.#ok(() => computer.show())) || computer.ticket === null) return
    if (variant === 'signed out everywhere before the end') await this.#ok(() => phone.signOutAll(computer))
    if (variant === 'raced') {
      const cancel = this.#chance.happens(0.5) ? () => phone.cancel(computer) : () => computer.leave()
      await Promise.all([this.#ok(() => computer.redeem()), this.#ok(cancel)])
      return
    }
    if (!(await this.#twice(variant, () => computer.redeem()))) return
    await this.#ok(() => computer.readSession())
    await this.#signOut(variant, computer, phone)
  }

  /** With a rival, the history shows which scan was granted. */
  async #scan(variant: Variant, computer: Computer, phone: Phone): Promise<boolean> {
    if (variant !== 'rivals') return await this.#twice(variant, () => phone.scan(computer))
    this.#clients += 1
    const rival = new Phone(this.#http, `rival ${this.#clients}`, phone.address)
    const [isOurs] = await Promise.all([this.#ok(() => phone.scan(computer)), this.#ok(() => rival.scan(computer))])
    return isOurs
  }

  /** Types the number, where one is required. */
  async #match(variant: Variant, computer: Computer, phone: Phone): Promise<boolean> {
    const { number } = phone
    if (number === null) return true
    if (variant === 'without the number') {
      await pause(READ_MS)
      await this.#ok(() => phone.confirm(computer))
    }
    const wrong = number === '10' ? '11' : '10'
    const wrongs = variant === 'wrong twice' ? 2 : variant === 'wrong then right' ? 1 : 0
    for (let time = 0; time < wrongs; time += 1) await computer.match(wrong, false)
    return await this.#ok(() => computer.match(number, true))
  }

  async #signOut(variant: Variant, computer: Computer, phone: Phone): Promise<void> {
    const ways: Partial<Record<Variant, () => Promise<Recorded>>> = {
      'signed out here': () => computer.signOut(),
      'signed out from the phone': () => phone.signOut(computer),
      'signed out everywhere': () => phone.signOutAll(computer),
      'not me': () => phone.cancel(computer),
    }
    const way = ways[variant]
    if (way === undefined) return
    await this.#ok(way)
    await computer.readSession()
  }

  async #twice(variant: Variant, send: () => Promise<Recorded>): Promise<boolean> {
    if (variant !== 'doubled') return await this.#ok(send)
    const [first, second] = await Promise.all([this.#ok(send), this.#ok(send)])
    return first || second
  }

  /** Returns whether it was granted. */
  async #ok(send: () => Promise<Recorded>): Promise<boolean> {
    return isGranted(await this.#persist(send))
  }

  /** Repeats a request that got no response, or a 5xx. */
  async #persist(send: () => Promise<Recorded>, until = performance.now() + REPEAT_FOR_MS): Promise<Operation> {
    for (let time = 0; ; time += 1) {
      const { operation } = await send()
      const isOver = operation.status !== null && operation.status < 500
      if (isOver || performance.now() > until) return operation
      const range = Math.min(MOST_PAUSE_MS, LEAST_PAUSE_MS * 2 ** time)
      await pause(LEAST_PAUSE_MS + this.#chance.next() * range)
    }
  }
}
