import { AsyncLocalStorage } from 'node:async_hooks'
import type { ComputerSession } from '../../core/session/session'
import type { Sessions } from '../../core/session/sessions'
import type { Authorization, Authorizations } from './authorizations'

/** A computer session with the apps that it is signed in to. */
export interface AppSession {
  session: ComputerSession
  authorizations: Authorization[]
}

/**
 * What one request of the provider has read: oidc-provider asks for the same session several times.
 */
export class RequestScope {
  /** When the request arrived (epoch ms). */
  readonly startedAt: number
  /** The grant of the refresh token that was read; null: none. */
  refreshedGrant: string | null = null
  readonly #sources: { sessions: Sessions; authorizations: Authorizations }
  readonly #read = new Map<string, Promise<AppSession | null>>()

  constructor(startedAt: number, sources: { sessions: Sessions; authorizations: Authorizations }) {
    this.startedAt = startedAt
    this.#sources = sources
  }

  /** The live session with this id, or null. */
  findSession(id: string): Promise<AppSession | null> {
    const known = this.#read.get(id) ?? this.#readSession(id)
    this.#read.set(id, known)
    return known
  }

  async #readSession(id: string): Promise<AppSession | null> {
    const { sessions, authorizations } = this.#sources
    const [session, apps] = await Promise.all([sessions.findLive('computer', id), authorizations.list(id)])
    return session === null ? null : { session, authorizations: apps }
  }
}

const scopes = new AsyncLocalStorage<RequestScope>()

export function runInScope<T>(scope: RequestScope, work: () => Promise<T>): Promise<T> {
  return scopes.run(scope, work)
}

/** @throws Error outside of a request: the provider is called within `runInScope` only. */
export function currentScope(): RequestScope {
  const scope = scopes.getStore()
  if (scope === undefined) throw new Error('the provider was called outside of a request')
  return scope
}
