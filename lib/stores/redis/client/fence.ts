import { withDeadline } from './breaker'
import type { Connection } from './connection'
import { RedisFailure, type Reply } from './redis'

/** How long a caller waits for a replica. */
const CONFIRM_MS = 400

/**
 * How long it is taken for granted which server both connections lead to, and whether it has
 * replicas.
 */
const KNOWN_MS = 5_000

/** A connection that was not used for so long may have died in silence: another is opened. */
const IDLE_MS = 30_000

const KEY_MS = 60_000

export interface FenceOptions {
  /** Monotonic, in ms. */
  now: () => number
  open: () => Connection
  /** The connection that what is fenced in was written on. */
  commands: () => Connection
}

/** What is known of the server, and by which connections: as often opened as then. */
interface Known {
  hasReplicas: boolean
  at: number
  commands: Connection
  opened: number
}

/**
 * Waits until what was written before is on a replica. Replication is one ordered stream: a later
 * write that a replica has confirmed implies all earlier ones. So the fence writes something small
 * on a connection of its own, which `WAIT` may block, and waits for that; calls at the same time
 * share one.
 *
 * A primary without replicas needs no fence. A replica that is lost without a word counts until the
 * primary gives it up (`repl-timeout`, 60 s): until then nothing is confirmed, and after that there
 * is none to wait for. Operators that want more set `min-replicas-to-write`: then the write itself
 * is refused.
 */
export class Fence {
  readonly #options: FenceOptions
  #connection: Connection | null = null
  #usedAt = 0
  #known: Known | null = null
  #current: Promise<void> | null = null
  #next: Promise<void> | null = null

  constructor(options: FenceOptions) {
    this.#options = options
  }

  /** See `Redis.replicate`. A call that comes while a fence is under way shares the next one. */
  async replicate(key: string): Promise<void> {
    const { commands } = this.#options
    const written = commands()
    const { opened } = written
    try {
      await withDeadline(this.#join(key), CONFIRM_MS)
      // By then it may lead to another server, whose replicas know nothing of what was written.
      if (commands() !== written || written.opened !== opened) {
        throw new RedisFailure('the primary of the store is changing', { kind: 'no_primary' })
      }
    } catch (error) {
      if (!(error instanceof RedisFailure && error.kind === 'late')) throw error
      throw new RedisFailure('no replica has confirmed in time', { kind: 'not_replicated', cause: error })
    }
  }

  close(): void {
    this.#connection?.destroy()
    this.#connection = null
    this.#known = null
  }

  #join(key: string): Promise<void> {
    if (this.#next !== null) return this.#next
    if (this.#current === null) return this.#start(key)
    const after = this.#current.then(ignore, ignore)
    this.#next = after.then(() => {
      this.#next = null
      return this.#start(key)
    })
    return this.#next
  }

  #start(key: string): Promise<void> {
    const fence = withDeadline(this.#pass(key), CONFIRM_MS)
      .catch((error: unknown) => {
        // Whatever it was, the next one asks anew, and on another connection.
        this.close()
        throw error
      })
      .finally(() => {
        this.#current = null
      })
    this.#current = fence
    return fence
  }

  async #pass(key: string): Promise<void> {
    const { now, open, commands } = this.#options
    if (now() - this.#usedAt > IDLE_MS) this.close()
    this.#usedAt = now()
    this.#connection ??= open()
    const connection = this.#connection
    if (!(await this.#hasReplicas(connection, commands()))) return
    await ask(connection, ['SET', key, '1', 'PX', String(KEY_MS)])
    const confirmed = await ask(connection, ['WAIT', '1', String(CONFIRM_MS)])
    if (confirmed === 0) throw new RedisFailure('no replica has confirmed in time', { kind: 'not_replicated' })
  }

  /**
   * @throws RedisFailure when the two lead to different servers: what was written on one is not on
   * the other.
   */
  async #hasReplicas(own: Connection, commands: Connection): Promise<boolean> {
    const { now } = this.#options
    const opened = own.opened + commands.opened
    const known = this.#known
    const isKnown = known?.commands === commands && known.opened === opened && now() - known.at < KNOWN_MS
    if (isKnown) return known.hasReplicas
    const [mine, theirs] = await Promise.all([readReplication(own), readReplication(commands)])
    if (mine.id !== theirs.id || !mine.isPrimary || !theirs.isPrimary) {
      throw new RedisFailure('the primary of the store is changing', { kind: 'no_primary' })
    }
    const { hasReplicas } = mine
    this.#known = { hasReplicas, at: now(), commands, opened: own.opened + commands.opened }
    return hasReplicas
  }
}

async function readReplication(connection: Connection) {
  const text = String(await ask(connection, ['INFO', 'replication']))
  return {
    /** Of this server's history: a promoted replica begins another. */
    id: /^master_replid:(\S+)/m.exec(text)?.[1] ?? '',
    isPrimary: /^role:master/m.test(text),
    // One that is still being built cannot take over, and confirms nothing.
    hasReplicas: /^slave\d+:.*state=online/m.test(text),
  }
}

/** Any error reply is a failure here: what was written stands, and is not known to be safe. */
async function ask(connection: Connection, command: string[]): Promise<Reply> {
  try {
    return await connection.send(command)
  } catch (error) {
    if (error instanceof RedisFailure) throw error
    throw new RedisFailure('the store could not say whether it is replicated', { cause: error })
  }
}

const ignore = () => {}
