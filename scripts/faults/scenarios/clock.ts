// The wall clock is changed under a running process: by a day and by five seconds, both ways.
import { setTimeout as pause } from 'node:timers/promises'
import type { Computer } from '../client'
import type { EventData, EventStream } from '../http-recorder'
import type { Stage } from '../stage'
import type { Traffic } from '../traffic'

const CODE_PERIOD_MS = 1_000
const DAY_MS = 86_400_000
/** In the format of libfaketime. */
const STEPS: readonly (readonly [offset: string, ms: number])[] = [
  ['+1d', DAY_MS],
  ['-1d', -DAY_MS],
  ['+5', 5_000],
  ['-5', -5_000],
]
/** Longer than the lifetime of a code, so that earlier codes have expired by the next step. */
const HELD_MS = 4_000
/** A stream sends a new code each period. */
const SILENT_MS = 2 * CODE_PERIOD_MS + 1_500
/** How often a browser may start an attempt in a minute, and once more. */
const STARTS = 7

/** The one process on the embedded store. */
export async function clock(stage: Stage): Promise<void> {
  const { settings, step } = stage.clock()
  await stage.start({ ...settings, CODE_PERIOD_S: String(CODE_PERIOD_MS / 1_000) })
  await walk(stage, step)
}

/** One of two instances on a Redis: the time of the Redis counts. */
export async function clockOfOne(stage: Stage): Promise<void> {
  const redis = await stage.redis()
  const { settings, step } = stage.clock()
  const shared = { REDIS_URL: `redis://127.0.0.1:${redis.port}`, CODE_PERIOD_S: String(CODE_PERIOD_MS / 1_000) }
  await stage.start({ ...shared, ...settings }, shared)
  stage.history.isClockShared = true
  await walk(stage, step)
}

async function walk(stage: Stage, step: (offset: string) => void): Promise<void> {
  const traffic = stage.traffic({ perSecond: 15, codePeriodMs: CODE_PERIOD_MS })
  traffic.begin()
  for (const [offset, stepMs] of stage.isShort ? STEPS.slice(1, 2) : STEPS) {
    for (const isBack of stage.isShort ? [false] : [false, true]) {
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

/** Attempts, streams and limits from before a step, which must be unchanged after it. */
class Watch {
  readonly #stage: Stage
  readonly #traffic: Traffic
  readonly #old: ReturnType<Traffic['pair']>
  readonly #hasty: ReturnType<Traffic['pair']>
  /** When each stream received its last event. */
  readonly #receivedAt = new Map<string, number>()
  readonly #streams: { stream: EventStream; computer: Computer; instance: number }[] = []

  private constructor(stage: Stage, traffic: Traffic) {
    this.#stage = stage
    this.#traffic = traffic
    this.#old = traffic.pair(true)
    this.#hasty = traffic.pair(true)
  }

  static async begin(stage: Stage, traffic: Traffic): Promise<Watch> {
    const watch = new Watch(stage, traffic)
    await watch.#old.computer.start()
    for (let time = 0; time < STARTS; time += 1) await watch.#hasty.computer.start()
    for (const instance of stage.apps.keys()) {
      await watch.#followAttempt(instance)
      await watch.#followAccount(instance)
    }
    return watch
  }

  async end(): Promise<void> {
    const { history, figures } = this.#stage
    const now = performance.now()
    for (const { stream, computer, instance } of this.#streams) {
      const { name, attempt } = computer
      const receivedAt = this.#receivedAt.get(name)
      if (stream.isOpen() && receivedAt !== undefined && now - receivedAt > SILENT_MS) {
        history.addFromStream('silence', { client: name, attempt, instance, facts: {} })
      }
      if (!stream.isOpen()) figures['streams that ended'] = Number(figures['streams that ended'] ?? 0) + 1
      stream.close()
    }
    await this.#old.phone.scan(this.#old.computer)
    await this.#hasty.computer.start()
  }

  async #followAttempt(instance: number): Promise<void> {
    const { computer } = this.#traffic.pair(true)
    await computer.start()
    const onEvent = () => void this.#receivedAt.set(computer.name, performance.now())
    const stream = await computer.follow('attempt', onEvent, instance)
    if (stream !== null) this.#streams.push({ stream, computer, instance })
  }

  async #followAccount(instance: number): Promise<void> {
    const { computer } = await this.#traffic.signIn('complete')
    const { name, attempt } = computer
    const onEvent = (event: string, { by = '' }: EventData) => {
      if (event !== 'signed_out') return
      this.#stage.history.addFromStream('notice', { client: name, attempt, instance, facts: { by } })
    }
    const stream = await computer.follow('account', onEvent, instance)
    if (stream !== null) this.#streams.push({ stream, computer, instance })
  }
}
