import type { Server } from 'node:http'
import { loadConfig } from './config'
import { createQrLogin, type QrLogin } from './create-server'
import type { NodeHandler } from './node/node-handler'

/**
 * The only global beside the secret in `lib/http/peer.ts`. Next builds `instrumentation.ts`, route
 * handlers and pages as module graphs of their own, in which a variable of a module exists once
 * each, and our own server (`scripts/start.mjs`) is in none of them: what they share has no other
 * place.
 */
export interface Shared {
  /** Our own server, before it listens. Undefined where Next has the server. */
  server?: Server
  /**
   * Answers requests before Next does: set by `instrumentation.ts`, called by `scripts/start.mjs`.
   */
  handler?: NodeHandler
  qrLogin?: QrLogin
}

const KEY = Symbol.for('qr-login')
const holder = globalThis as { [KEY]?: Shared }

/** What the module graphs of this process share. */
export function shared(): Shared {
  holder[KEY] ??= {}
  return holder[KEY]
}

/** The server of sign-ins of this process, created at the first call. */
export function qrLogin(): QrLogin {
  const all = shared()
  // Our own server ends: another process is going to use the data.
  const onLockLost = () => process.kill(process.pid, 'SIGTERM')
  all.qrLogin ??= createQrLogin({ config: loadConfig(), onLockLost })
  return all.qrLogin
}
