import { withTimeout } from './breaker'
import type { Connection } from './connection'
import { RedisFailure, type Reply } from './redis'

/** How long a caller waits for a replica. */
const CONFIRM_MS = 400

/** How long the replication info of the two connections is cached. */
const INFO_TTL_MS = 5_000

/** A connection that was idle for longer may be half-open: another one is opened. */
const IDLE_MS = 30_000

const KEY_TTL_MS = 60_000

export interface ReplicaConfirmationOptions {
  /** Monotonic, in ms. */
  now: () => number
  open: () => Connection
  /** The connection on which the writes to confirm were sent. */
  commands: () => Connection
}

/** The cached replication info. It is valid only for these connections, opened this often. */
interface ReplicationInfo {
  hasReplicas: boolean
  /** Monotonic, in ms. */
  readAt: number
  commands: Connection
  /** The sum of `opened` of both connections. */
  opened: number
}

/**
 * Waits until the writes sent before are on a replica. Replication is one ordered stream: if a
 * replica has confirmed a later write, it has all earlier ones. So this class writes a small key on
 * a connection of its own, because `WAIT` blocks the connection, and waits for that write.
 * Concurrent calls share one confirmation.
 *
 * A primary without replicas needs no confirmation. A replica that disappears without closing its
 * connection counts until the primary drops it (`repl-timeout`, 60 s): until then nothing is
 * confirmed, and after that no replica is waited for. Operators who need a stronger guarantee set
 * `min-replicas-to-write`: the primary then refuses the write itself.
 */
export class ReplicaConfirmation {
  readonly #options: ReplicaConfirmationOptions
  #connection: Connection | null = null
  #usedAt = 0
  #info: ReplicationInfo | null = null
  #current: Promise<void> | null = null
  #next: Promise<void> | null = null

  constructor(options: ReplicaConfirmationOptions) {
    this.#options = options
  }

  /** See `Redis.confirmDurable`. A call made while a confirmation runs shares the next one. */
  async confirm(key: string): Promise<void> {
    const { commands } = this.#options
    const writtenOn = commands()
    const { opened } = writtenOn
    try {
      await withTimeout(this.#join(key), CONFIRM_MS)
      // The connection may lead to another server by now, whose replicas do not have the writes.
      if (commands() !== writtenOn || writtenOn.opened !== opened) {
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
    this.#info = null
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
    const confirmation = withTimeout(this.#writeAndWait(key), CONFIRM_MS)
      .catch((error: unknown) => {
        // After any error the next confirmation uses a new connection and reads the info again.
        this.close()
        throw error
      })
      .finally(() => {
        this.#current = null
      })
    this.#current = confirmation
    return confirmation
  }

  async #writeAndWait(key: string): Promise<void> {
    const { now, open, commands } = this.#options
    if (now() - this.#usedAt > IDLE_MS) this.close()
    this.#usedAt = now()
    this.#connection ??= open()
    const connection = this.#connection
    if (!(await this.#hasReplicas(connection, commands()))) return
    await send(connection, ['SET', key, '1', 'PX', String(KEY_TTL_MS)])
    const confirmed = await send(connection, ['WAIT', '1', String(CONFIRM_MS)])
    if (confirmed === 0) throw new RedisFailure('no replica has confirmed in time', { kind: 'not_replicated' })
  }

  /**
   * @throws RedisFailure `no_primary` if the two connections lead to different servers: a write on
   * one is not on the other.
   */
  async #hasReplicas(own: Connection, commands: Connection): Promise<boolean> {
    const { now } = this.#options
    const opened = own.opened + commands.opened
    const info = this.#info
    const isValid = info?.commands === commands && info.opened === opened && now() - info.readAt < INFO_TTL_MS
    if (isValid) return info.hasReplicas
    const [mine, theirs] = await Promise.all([readReplication(own), readReplication(commands)])
    if (mine.id !== theirs.id || !mine.isPrimary || !theirs.isPrimary) {
      throw new RedisFailure('the primary of the store is changing', { kind: 'no_primary' })
    }
    const { hasReplicas } = mine
    this.#info = { hasReplicas, readAt: now(), commands, opened: own.opened + commands.opened }
    return hasReplicas
  }
}

async function readReplication(connection: Connection) {
  const text = String(await send(connection, ['INFO', 'replication']))
  return {
    /** The id of this server's replication history: a promoted replica starts another one. */
    id: /^master_replid:(\S+)/m.exec(text)?.[1] ?? '',
    isPrimary: /^role:master/m.test(text),
    // A replica that is still synchronizing cannot take over, and confirms nothing.
    hasReplicas: /^slave\d+:.*state=online/m.test(text),
  }
}

/** Every error reply is a store failure here: the write stands, but is not known to be durable. */
async function send(connection: Connection, command: string[]): Promise<Reply> {
  try {
    return await connection.send(command)
  } catch (error) {
    if (error instanceof RedisFailure) throw error
    throw new RedisFailure('the store could not report whether it is replicated', { cause: error })
  }
}

const ignore = () => {}
