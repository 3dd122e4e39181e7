import { createHash } from 'node:crypto'

/** What a command answers. Integers stay numbers, the rest is text. */
export type Reply = string | number | null | Reply[]

/** A Lua script: what has to happen at once happens in one. Sent by its hash, and whole where the server does not know it. */
export interface Script {
  lua: string
  sha: string
}

export function defineScript(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}

export interface Listener {
  onMessage: (message: string) => void
  /** Messages may have been missed: the connection was lost, and is back. The state has to be read again. */
  onGap: () => void
}

/** One Redis, by whatever way it is reached. Calls throw `RedisFailure` when the server does not do its part. */
export interface Redis {
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<Reply>
  /** Hears one channel until `close`: from the first `onGap` on, and again after each interruption. Tries until it succeeds. Once. */
  listen(channel: string, listener: Listener): void
  /** Resolves when the server answers. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** The server did not answer in time, is not there, or cannot do what it should (loading, read-only, out of memory). */
export class RedisFailure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RedisFailure'
  }
}

/**
 * States of a server that pass, as opposed to mistakes of ours. `ERR` is neither: of it only the limit of connections is the server's.
 * https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
 */
const OPERATIONAL =
  /^(LOADING|READONLY|OOM|MASTERDOWN|CLUSTERDOWN|MOVED|ASK|TRYAGAIN|BUSY|MISCONF|NOREPLICAS|NOAUTH|WRONGPASS|NOPERM|UNKILLABLE|ERR max number of clients)/

/** Whether an error reply tells of the server's state. */
export function isOperational(message: string): boolean {
  return OPERATIONAL.test(message)
}

/** Whether the server does not know a script by its hash. */
export function isUnknownScript(message: string): boolean {
  return message.startsWith('NOSCRIPT')
}
