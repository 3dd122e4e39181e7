import { type Redis, RedisFailure, type Reply, type Script } from './redis'

/**
 * One operation of the script, by name, and its arguments, which travel as JSON. Never null: Lua
 * ends a list there.
 */
export type Step = readonly [operation: string, ...args: (string | number | boolean | object)[]]

/** Steps that are made one after the other until one of them says stop. */
type Group = readonly Step[]

interface Waiting {
  group: Group
  resolve: (replies: Reply[]) => void
  reject: (error: unknown) => void
}

/** What has to know the server's time: it comes with every answer. */
export interface ServerClock {
  isRight: () => boolean
  /** In ms, from any origin. */
  monotonicMs: () => number
  /** `time`: epoch ms; `askedAt`: monotonic. */
  onTime: (time: number, askedAt: number) => void
}

/** How many groups go into one command: a server is busy for as long as one script runs. */
const MOST_GROUPS = 64

/**
 * Sends what is asked for in the same turn of the event loop as one command: a script that makes
 * each group of steps at once, and the groups in the order in which they were asked for. Fewer
 * commands for one request, and far fewer under load.
 */
export class Batch {
  readonly #redis: Redis
  readonly #script: Script
  readonly #prefix: string
  readonly #clock: ServerClock | null
  #waiting: Waiting[] = []

  /**
   * `script` gets the prefix and the groups as JSON. It answers with the server's time (epoch ms)
   * and one list of replies for each group, or a text: its error.
   */
  constructor(redis: Redis, script: Script, prefix: string, clock: ServerClock | null = null) {
    this.#redis = redis
    this.#script = script
    this.#prefix = prefix
    this.#clock = clock
  }

  /**
   * The replies of the steps that were made.
   * @throws RedisFailure also while the time is not known that the steps were made up by.
   */
  run(...group: Step[]): Promise<Reply[]> {
    if (this.#clock?.isRight() !== false) return this.runAtAnyTime(...group)
    return Promise.reject(new RedisFailure('the clock of the store is not known yet', { kind: 'loading' }))
  }

  /** As `run`, for steps that name no time. */
  runAtAnyTime(...group: Step[]): Promise<Reply[]> {
    if (this.#waiting.length === 0) setImmediate(() => this.#flush())
    return new Promise((resolve, reject) => this.#waiting.push({ group, resolve, reject }))
  }

  #flush(): void {
    const all = this.#waiting
    this.#waiting = []
    for (let at = 0; at < all.length; at += MOST_GROUPS) void this.#send(all.slice(at, at + MOST_GROUPS))
  }

  async #send(waiting: Waiting[]): Promise<void> {
    const groups = JSON.stringify(waiting.map(({ group }) => group))
    const askedAt = this.#clock?.monotonicMs() ?? 0
    try {
      const [time, answers] = (await this.#redis.run(this.#script, [], [this.#prefix, groups])) as [Reply, Reply[]]
      this.#clock?.onTime(Number(time), askedAt)
      waiting.forEach(({ resolve, reject }, index) => {
        const answer = answers[index]
        if (Array.isArray(answer)) resolve(answer)
        // What the server could not do (read-only, full) is an error of the whole command: this one
        // is our mistake.
        else reject(new Error(`a step failed: ${answer}`))
      })
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }
}
