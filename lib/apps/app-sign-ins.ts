import type { RequestingApp } from '../core/attempt/app'
import type { ComputerSession } from '../core/session/session'
import type { AppRequests } from './app-requests'
import type { Apps } from './apps'
import { pathOfWaiting } from './forward-auth'

export interface AppSignInsOptions {
  requests: AppRequests
  /** Null: there are no OpenID clients. */
  apps: Apps | null
}

/**
 * The requests of apps that wait for a sign-in: of OpenID clients, and of hosts behind forward
 * auth.
 */
export class AppSignIns {
  readonly #options: AppSignInsOptions

  constructor(options: AppSignInsOptions) {
    this.#options = options
  }

  /** @throws ProtocolError `interaction_unknown`, also for the request of another browser. */
  async require(id: string, browserHash: string | null): Promise<RequestingApp> {
    return (await this.#options.requests.require(id, browserHash)).app
  }

  /**
   * Lets the request of the app go on with the session that was begun for it. May be repeated.
   * Returns the path that the browser goes to; null: the app has no request of its own.
   */
  async finish(app: RequestingApp, session: ComputerSession): Promise<string | null> {
    if (app.clientId !== null) return (await this.#options.apps?.finish(app, session)) ?? null
    return app.interaction === null ? null : pathOfWaiting(app.interaction)
  }

  /**
   * Ends the request of the app without a sign-in. Returns the path that tells the app.
   * @throws ProtocolError `interaction_unknown`.
   */
  async decline(id: string, browserHash: string | null): Promise<string> {
    const { requests, apps } = this.#options
    const { app } = await requests.require(id, browserHash)
    if (app.clientId !== null && apps !== null) return await apps.decline(id)
    return `${pathOfWaiting(id)}/declined`
  }
}
