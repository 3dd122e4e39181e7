// The wall clock is changed under a running process: by a day and by five seconds, both ways.
import { pause } from '../stage.mjs'

/**
 * @typedef {import('../stage.mjs').Stage} Stage
 * @typedef {import('../traffic.mjs').Traffic} Traffic
 */

const CODE_PERIOD_MS = 1_000
const DAY_MS = 86_400_000
/** As libfaketime writes them. @type {readonly [string, number][]} */
const STEPS = [
  ['+1d', DAY_MS],
  ['-1d', -DAY_MS],
  ['+5', 5_000],
  ['-5', -5_000],
]
/** Longer than a code lives, so that those of before are dead by the next step. */
const HELD_MS = 4_000
/** A stream sends a new code each period. */
const SILENT_MS = 2 * CODE_PERIOD_MS + 1_500
/** How often a browser may start an attempt in a minute, and once more. */
const STARTS = 7

/** The one process on the embedded store. @param {Stage} stage */
export async function clock(stage) {
  const { settings, step } = stage.clock()
  await stage.start({ ...settings, CODE_PERIOD_S: String(CODE_PERIOD_MS / 1_000) })
  await walk(stage, step)
}

/**
 * One of two instances on a Redis: the time of the Redis is the one that counts.
 * @param {Stage} stage
 */
export async function clockOfOne(stage) {
  const redis = await stage.redis()
  const { settings, step } = stage.clock()
  const shared = { REDIS_URL: `redis://127.0.0.1:${redis.port}`, CODE_PERIOD_S: String(CODE_PERIOD_MS / 1_000) }
  await stage.start({ ...shared, ...settings }, shared)
  stage.history.isClockShared = true
  await walk(stage, step)
}

/** @param {Stage} stage @param {(offset: string) => void} step */
async function walk(stage, step) {
  const traffic = stage.traffic({ perSecond: 15, codePeriodMs: CODE_PERIOD_MS })
  traffic.begin()
  for (const [offset, stepMs] of stage.scale < 0.5 ? STEPS.slice(1, 2) : STEPS) {
    for (const isBack of stage.scale < 0.5 ? [false] : [false, true]) {
      const watch = await Watch.begin(stage, traffic)
      await pause(HELD_MS)
      const name = isBack ? `clock back from ${offset}` : `clock ${offset}`
      await stage.fault(name, { stepMs: isBack ? -stepMs : stepMs }, async () => step(isBack ? '+0' : offset))
      await pause(SILENT_MS)
      await watch.end()
    }
  }
  await stage.settle(traffic)
}

/** What is there before a step and has to be as it was after it. */
class Watch {
  /** @type {Map<string, number>} when each stream was last heard */
  #heard = new Map()
  /**
   * @type {{ close: () => void, isOpen: () => boolean, name: string, attempt: string | null,
   * instance: number }[]}
   */
  #streams = []

  /** @param {Stage} stage @param {Traffic} traffic */
  constructor(stage, traffic) {
    this.stage = stage
    this.old = traffic.pair(true)
    this.hasty = traffic.pair(true)
    this.traffic = traffic
  }

  /** @param {Stage} stage @param {Traffic} traffic */
  static async begin(stage, traffic) {
    const watch = new Watch(stage, traffic)
    await watch.old.computer.start()
    for (let time = 0; time < STARTS; time += 1) await watch.hasty.computer.start()
    for (const instance of stage.apps.keys()) {
      await watch.#followAttempt(instance)
      await watch.#followAccount(instance)
    }
    return watch
  }

  async end() {
    const now = performance.now()
    for (const { close, isOpen, name, attempt, instance } of this.#streams) {
      const heardAt = this.#heard.get(name)
      if (isOpen() && heardAt !== undefined && now - heardAt > SILENT_MS) {
        this.stage.history.hear('silence', { client: name, attempt, instance, facts: {} })
      }
      if (!isOpen())
        this.stage.figures['streams that ended'] = Number(this.stage.figures['streams that ended'] ?? 0) + 1
      close()
    }
    await this.old.phone.scan(this.old.computer)
    await this.hasty.computer.start()
  }

  /** @param {number} instance */
  async #followAttempt(instance) {
    const { computer } = this.traffic.pair(true)
    await computer.start()
    const hear = () => void this.#heard.set(computer.name, performance.now())
    const stream = await computer.follow('attempt', hear, instance)
    if (stream !== null) this.#streams.push({ ...stream, name: computer.name, attempt: computer.attempt, instance })
  }

  /** @param {number} instance */
  async #followAccount(instance) {
    const { computer } = await this.traffic.signIn('complete')
    /** @param {string} event @param {{ by?: string }} data */
    const hear = (event, { by = '' }) => {
      const what = { client: computer.name, attempt: computer.attempt, instance, facts: { by } }
      if (event === 'signed_out') this.stage.history.hear('notice', what)
    }
    const stream = await computer.follow('account', hear, instance)
    if (stream !== null) this.#streams.push({ ...stream, name: computer.name, attempt: computer.attempt, instance })
  }
}
