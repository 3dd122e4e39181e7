import { type Redis, RedisFailure, type Reply, type Script } from './redis'

/**
 * One operation of the script, by name, and its arguments, which are sent as JSON. No argument is
 * null: a Lua list ends there.
 */
export type Step = readonly [operation: string, ...args: (string | number | boolean | object)[]]

/** Steps that run in order, until one of them stops the group. */
type Group = readonly Step[]

interface PendingGroup {
  group: Group
  resolve: (replies: Reply[]) => void
  reject: (error: unknown) => void
}

/** Receives the server's time, which is part of every reply. */
export interface ServerClock {
  /** Whether the clock has received the server's time at least once. */
  isSynced: () => boolean
  /** In ms, from any origin. */
  monotonicMs: () => number
  /** `time`: epoch ms. `requestedAt`: when the command was sent (monotonic ms). */
  onTime: (time: number, requestedAt: number) => void
}

/** Maximum number of groups in one command: a script blocks the server while it runs. */
const MAX_GROUPS = 64

/**
 * Pipelining: all groups that are requested in one turn of the event loop are sent as one command.
 * The script runs each group atomically, in the order of the requests. This saves commands within
 * one request, and many more under load.
 */
export class Batch {
  readonly #redis: Redis
  readonly #script: Script
  readonly #prefix: string
  readonly #clock: ServerClock | null
  #pending: PendingGroup[] = []

  /**
   * `script` receives the key prefix and the groups as JSON. It returns the server's time (epoch
   * ms) and, for each group, a list of replies, or the group's error as text.
   */
  constructor(redis: Redis, script: Script, prefix: string, clock: ServerClock | null = null) {
    this.#redis = redis
    this.#script = script
    this.#prefix = prefix
    this.#clock = clock
  }

  /**
   * Returns the replies of the steps that ran.
   * @throws RedisFailure `loading` while the clock, from which the steps take their times, is not
   * synchronized; and every other kind.
   */
  run(...group: Step[]): Promise<Reply[]> {
    if (this.#clock?.isSynced() !== false) return this.runAtAnyTime(...group)
    return Promise.reject(new RedisFailure('the clock of the store is not known yet', { kind: 'loading' }))
  }

  /** As `run`, for steps without times: does not need a synchronized clock. */
  runAtAnyTime(...group: Step[]): Promise<Reply[]> {
    if (this.#pending.length === 0) setImmediate(() => this.#flush())
    return new Promise((resolve, reject) => this.#pending.push({ group, resolve, reject }))
  }

  #flush(): void {
    const all = this.#pending
    this.#pending = []
    for (let at = 0; at < all.length; at += MAX_GROUPS) void this.#send(all.slice(at, at + MAX_GROUPS))
  }

  async #send(pending: PendingGroup[]): Promise<void> {
    const groups = JSON.stringify(pending.map(({ group }) => group))
    const requestedAt = this.#clock?.monotonicMs() ?? 0
    try {
      const [time, results] = (await this.#redis.run(this.#script, [], [this.#prefix, groups])) as [Reply, Reply[]]
      this.#clock?.onTime(Number(time), requestedAt)
      pending.forEach(({ resolve, reject }, index) => {
        const result = results[index]
        if (Array.isArray(result)) resolve(result)
        // Failures of the server (read-only, full) are errors of the whole command, so this error
        // is a bug of ours.
        else reject(new Error(`a step failed: ${result}`))
      })
    } catch (error) {
      for (const { reject } of pending) reject(error)
    }
  }
}
