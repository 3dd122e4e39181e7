import { createHash } from 'node:crypto'

/** What a command answers. Integers stay numbers, the rest is text. */
export type Reply = string | number | null | Reply[]

/**
 * A Lua script: what has to happen at once happens in one. Sent by its hash, and whole where the
 * server does not know it.
 */
export interface Script {
  lua: string
  sha: string
}

export function defineScript(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}

export interface Listener {
  onMessage: (message: string) => void
  /**
   * Messages may have been missed: the connection was lost, and is back. The state has to be read
   * again.
   */
  onGap: () => void
}

/**
 * One Redis, by whatever way it is reached. Calls throw `RedisFailure` when the server does not do
 * its part.
 */
export interface Redis {
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<Reply>
  /**
   * Hears one channel until `close`: from the first `onGap` on, and again after each interruption.
   * Tries until it succeeds. Once.
   */
  listen(channel: string, listener: Listener): void
  /**
   * Resolves when all that was written before is on a replica too, or there is no replica. `key` is
   * written for that; it lives for a minute. Over HTTP it resolves at once: a service that is
   * reached so answers for its own replicas.
   * @throws RedisFailure `not_replicated` when no replica confirms in time, and any other kind.
   */
  confirmDurable(key: string): Promise<void>
  /** Whether the circuit breaker is open: calls are refused without asking the server. */
  readonly isBreakerOpen: boolean
  /** Resolves when the server answers. */
  ping(): Promise<void>
  close(): Promise<void>
}

/**
 * Why the server did not do its part:
 * - `connection`: there is none, or it was lost with the answer
 * - `late`: no answer before the deadline
 * - `breaker`: not asked, because it failed several times just before
 * - `read_only`: a replica, for example after a failover
 * - `full`: beyond `maxmemory`, and nothing is evicted
 * - `no_replicas`: fewer than `min-replicas-to-write`
 * - `not_saved`: its last snapshot failed, and it takes no writes
 * - `loading`: it has just started
 * - `no_primary`: it has lost its primary or its cluster, or is giving its role away
 * - `busy`: a script of another client runs for too long
 * - `refused`: password, permissions, or the limit of connections
 * - `not_replicated`: written, and not confirmed by a replica
 * - `other`: anything else
 */
export type RedisFailureKind =
  | 'connection'
  | 'late'
  | 'breaker'
  | 'read_only'
  | 'full'
  | 'no_replicas'
  | 'not_saved'
  | 'loading'
  | 'no_primary'
  | 'busy'
  | 'refused'
  | 'not_replicated'
  | 'other'

/**
 * The server did not answer in time, is not there, or cannot do what it should. `message` holds no
 * command.
 */
export class RedisFailure extends Error {
  readonly kind: RedisFailureKind

  constructor(message: string, options: ErrorOptions & { kind?: RedisFailureKind } = {}) {
    super(message, options)
    this.name = 'RedisFailure'
    this.kind = options.kind ?? 'other'
  }
}

/**
 * How error replies begin that tell of the server's state, as opposed to mistakes of ours.
 * https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
 */
const OPERATIONAL: Record<string, RedisFailureKind> = {
  READONLY: 'read_only',
  OOM: 'full',
  NOREPLICAS: 'no_replicas',
  MISCONF: 'not_saved',
  LOADING: 'loading',
  MASTERDOWN: 'no_primary',
  CLUSTERDOWN: 'no_primary',
  MOVED: 'no_primary',
  ASK: 'no_primary',
  TRYAGAIN: 'no_primary',
  UNBLOCKED: 'no_primary',
  BUSY: 'busy',
  UNKILLABLE: 'busy',
  NOAUTH: 'refused',
  WRONGPASS: 'refused',
  NOPERM: 'refused',
  'ERR max number of clients': 'refused',
  // NOPERM, where a script meets it.
  'ERR The user executing the script': 'refused',
}

/** The same beginnings, for scripts that have to tell them apart. */
export const OPERATIONAL_STARTS: readonly string[] = Object.keys(OPERATIONAL)

/** What an error reply tells of the server's state; null when it tells of a mistake of ours. */
export function operationalKindOf(message: string): RedisFailureKind | null {
  const start = OPERATIONAL_STARTS.find((each) => message.startsWith(`${each} `) || message === each)
  return start === undefined ? null : (OPERATIONAL[start] ?? null)
}

/** Whether the server does not know a script by its hash. */
export function isUnknownScript(message: string): boolean {
  return message.startsWith('NOSCRIPT')
}
