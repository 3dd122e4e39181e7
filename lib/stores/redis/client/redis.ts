import { createHash } from 'node:crypto'

/** The reply to a command. Integers stay numbers, everything else is text. */
export type Reply = string | number | null | Reply[]

/**
 * A Lua script: the server runs it atomically. It is sent by its hash, and in full if the server
 * does not have it.
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
   * The subscription is active, for the first time or after an interruption. Messages may have been
   * lost: read the state again.
   */
  onGap: () => void
}

/**
 * One Redis, over TCP or HTTP. Calls throw `RedisFailure` if the server fails, as opposed to an
 * error reply about the command itself.
 */
export interface Redis {
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<Reply>
  /**
   * Subscribes to one channel until `close`, and retries until it succeeds. Messages arrive from
   * the first `onGap` on; `onGap` is called again after each interruption. May be called once.
   */
  subscribe(channel: string, listener: Listener): void
  /**
   * Resolves when all earlier writes are on a replica too, or if the server has no replica. Writes
   * `key` for that, with a TTL of one minute. Over HTTP it resolves at once: such a service is
   * responsible for its own replicas.
   * @throws RedisFailure `not_replicated` if no replica confirms in time, and every other kind.
   */
  confirmDurable(key: string): Promise<void>
  /** Whether the circuit breaker is open: calls are refused, and nothing is sent. */
  readonly isBreakerOpen: boolean
  /** Resolves when the server replies. */
  ping(): Promise<void>
  /** Every later call fails with `RedisFailure` `connection`. May be called more than once. */
  close(): Promise<void>
}

/**
 * Why the call failed:
 * - `connection`: there is no connection, or it was lost before the reply
 * - `late`: no reply before the timeout
 * - `breaker`: not sent, because the circuit breaker is open
 * - `read_only`: the server is a replica, for example after a failover
 * - `full`: the server has reached `maxmemory` and evicts nothing
 * - `no_replicas`: the server has fewer replicas than `min-replicas-to-write`
 * - `not_saved`: its last snapshot failed, and it refuses writes
 * - `loading`: it has just started and loads its data
 * - `no_primary`: it has lost its primary or its cluster, or hands its role to another server
 * - `busy`: a script of another client runs for too long
 * - `refused`: wrong password, missing permission, or too many connections
 * - `not_replicated`: written, but not confirmed by a replica
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
 * The server did not reply in time, is down, or cannot execute commands now. `message` contains no
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

/** The failure of every call after `close`. */
export function closedFailure(): RedisFailure {
  return new RedisFailure('the store is closed', { kind: 'connection' })
}

/**
 * Prefixes of the error replies that report the server's state. All other error replies are bugs
 * of ours.
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
  // NOPERM, raised inside a script.
  'ERR The user executing the script': 'refused',
}

/** The same prefixes, for the script. */
export const OPERATIONAL_PREFIXES: readonly string[] = Object.keys(OPERATIONAL)

/** The kind of failure that an error reply reports; null if it reports a bug of ours. */
export function operationalKindOf(message: string): RedisFailureKind | null {
  const prefix = OPERATIONAL_PREFIXES.find((each) => message.startsWith(`${each} `) || message === each)
  return prefix === undefined ? null : (OPERATIONAL[prefix] ?? null)
}

/** Whether the error reply means that the server does not have the script with this hash. */
export function isUnknownScript(message: string): boolean {
  return message.startsWith('NOSCRIPT')
}
